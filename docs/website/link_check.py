"""Whether the links of a built site lead somewhere within it: to a file, and to an element that has the name."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "srcset"}


class _Page(HTMLParser):
    """The links of a page, and the names in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        said = dict(attrs)
        if (link := said.get(LINKS.get(tag, ""))) is not None:
            self.links.append(link)
        self.names |= {name for name in (said.get("id"), said.get("name")) if name}


def broken_links(folder: Path) -> Iterator[str]:
    """Yield each link of a site that leads nowhere, and each that loads something from elsewhere.

    Args:
        folder: of the site.

    """
    pages: dict[Path, _Page] = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links begin at the root of the site, wherever that will be
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("data:"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            shown = f"{path.relative_to(folder)}: {link}"
            if not target.exists():
                yield shown
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
                yield f"{shown} (no such place on the page)"
