import re
from collections.abc import Iterator

from .fault import DoesNotApplyError
from .language import Language, Span

_CLASS = re.compile(r"^(?:export )?(?:default )?class (\w+)", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:export )?(?:default )?(?:async )?function\*? (\w+)\(", re.MULTILINE)
_METHOD = re.compile(r"^  (?:static )?(?:async )?\*?(?:[gs]et )?(#?\w+)\(.*\{$", re.MULTILINE)


class JavaScript(Language):
    """The scripts of the pages, indented by two spaces; `function`, `Class` and `Class.method` are names."""

    folders = ("static",)
    suffix = ".js"
    true = "true"
    false = "false"
    nothing = ""

    def symbols(self, text: str) -> Iterator[tuple[str, Span]]:
        for match in _FUNCTION.finditer(text):
            yield match[1], _block(text, match.start(), "")
        for match in _CLASS.finditer(text):
            whole = _block(text, match.start(), "")
            yield match[1], whole
            for method in _METHOD.finditer(text, *whole):
                yield f"{match[1]}.{method[1]}", _block(text, method.start(), "  ")

    def statement(self, text: str, part: Span) -> Span:
        """Return what stands from a part's line to the next line that ends with a semicolon."""
        start = text.rfind("\n", 0, part.start) + 1
        start += len(text[start:]) - len(text[start:].lstrip())
        end = text.find(";\n", part.start)
        if end < 0:
            raise DoesNotApplyError(f"no statement holds {text[slice(*part)]!r}")
        return Span(start, end + 1)

    def condition(self, text: str, part: Span) -> Span:
        raise DoesNotApplyError("conditions are found in Python and Lua alone")


def _block(text: str, start: int, margin: str) -> Span:
    """Return what stands from a place to the brace that closes it, at the margin of its beginning."""
    end = text.find(f"\n{margin}}}", start)
    return Span(start, len(text) if end < 0 else end + len(margin) + 2)
