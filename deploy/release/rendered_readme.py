"""Whether a package's README is one that an index can show: it renders, and leads nowhere relative.

Source: https://packaging.python.org/en/latest/guides/making-a-pypi-friendly-readme/
"""

import zipfile
from collections.abc import Iterator
from email.parser import Parser
from html.parser import HTMLParser
from pathlib import Path

ADDRESSES = {"a": "href", "img": "src"}


class _Addresses(HTMLParser):
    """The addresses in a page, each with the element that has it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        address = dict(attrs).get(ADDRESSES.get(tag, ""))
        if address is not None:
            self.found.append((tag, address))


def readme_problems(html: str | None, repository: str) -> Iterator[str]:
    """Yield what is wrong with a README as an index shows it.

    Args:
        html: the rendered README; None: an index cannot render it.
        repository: where its files are shown; empty: nowhere yet, so that it has no link into it.

    """
    if html is None:
        yield "an index cannot render the README"
        return
    page = _Addresses()
    page.feed(html)
    for tag, address in page.found:
        if not address.startswith(("https://", "http://127.0.0.1", "#")):
            yield f"the README has the {tag} {address}, which leads nowhere on an index"
    if repository:
        for tag in ADDRESSES:
            if not any(one == tag and address.startswith(repository) for one, address in page.found):
                yield f"the README has no {tag} that leads to {repository}"


def description_of(wheel: Path) -> str:
    """Return the README that a wheel holds."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode("utf-8"))
    return str(metadata.get_payload())
