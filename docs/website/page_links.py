"""Links of pages, as they are in the repository, for places that have not all of its files: a site, a package index."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

_CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
_PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)
"""A picture in two colour schemes; Markdown has no form for it."""

_SOURCE = re.compile(r"(?<=\s)(?P<attribute>src|srcset)=\"(?P<target>[^\"\s]+)\"")
_ALTERNATIVE = re.compile(r"\salt=\"([^\"]*)\"")
_CODE_IN_TEXT = "\0"

Place = Callable[[PurePosixPath], str | None]
"""A path in the repository → where it is there; None: it is not there."""


def with_links(text: str, page: PurePosixPath, place: Place) -> str:
    """Return the text of a page with its links to files as the place has them.

    Args:
        text: Markdown.
        page: its path in the repository.
        place: of what it links to. Of a link to what is not there the text stays, and of a picture what it says.

    """
    codes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        codes.append(match[0])
        return f"{_CODE_IN_TEXT}{len(codes) - 1}{_CODE_IN_TEXT}"

    linked = _LINK.sub(lambda match: _link(match, page, place), _CODE.sub(hide, text))
    linked = _PICTURE.sub(lambda match: _picture(match[0], page, place), linked)
    return re.sub(f"{_CODE_IN_TEXT}(\\d+){_CODE_IN_TEXT}", lambda match: codes[int(match[1])], linked)


def _picture(element: str, page: PurePosixPath, place: Place) -> str:
    there = {target: place(_normal(page.parent / target)) for _, target in _SOURCE.findall(element)}
    if None in there.values():
        alternative = _ALTERNATIVE.search(element)
        return alternative[1] if alternative else ""
    return _SOURCE.sub(lambda match: f'{match["attribute"]}="{there[match["target"]]}"', element)


def _link(match: re.Match[str], page: PurePosixPath, place: Place) -> str:
    target, hash_mark, anchor = match["target"].partition("#")
    if not target or re.match(r"[a-z]+:", target):
        return match[0]
    there = place(_normal(page.parent / target))
    if there is None:
        return match["text"]
    return f"{match['image']}[{match['text']}]({there}{hash_mark}{anchor})"


def _normal(path: PurePosixPath) -> PurePosixPath:
    """Return a path without `..`."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return PurePosixPath(*parts)
