import re
from collections.abc import Iterator

from .fault import DoesNotApplyError
from .language import Language, Span

_AT_MARGIN = re.compile(r"^(?:(?:local )?function ([\w.]+)|local ([A-Z][A-Z0-9_]*)\b)", re.MULTILINE)
"""What is defined at the left margin, where scripts have their functions and constants (`lua_library.py`)."""
_TOKEN = re.compile(r"--[^\n]*|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\w+|[^\w\s]|\n")
_OPEN = frozenset(["function", "if", "do", "repeat", "(", "{", "["])
_CLOSE = frozenset(["end", "until", ")", "}", "]"])


class Lua(Language):
    """The scripts of the store; `function` and `CONSTANT` are names."""

    folders = ("core",)
    suffix = ".lua"
    true = "true"
    false = "false"
    nothing = ""

    def symbols(self, text: str) -> Iterator[tuple[str, Span]]:
        for match in _AT_MARGIN.finditer(text):
            yield match[1] or match[2], Span(match.start(), _end(text, match.start()))

    def statement(self, text: str, part: Span) -> Span:
        """Return the lines from where a part begins to where all that they open is closed."""
        before = text[text.rfind("\n", 0, part.start) + 1 : part.start]
        if before.strip():
            raise DoesNotApplyError(f"a statement is named by its beginning, not by {text[slice(*part)]!r}")
        return Span(part.start, _end(text, part.start))

    def condition(self, text: str, part: Span) -> Span:
        begins = None
        for match in _TOKEN.finditer(text):
            if match[0] in {"if", "elseif", "while"}:
                begins = match.end()
            elif match[0] in {"then", "do"} and begins is not None:
                if begins <= part.start and part.end <= match.start():
                    held = text[begins : match.start()]
                    return Span(match.start() - len(held.lstrip()), begins + len(held.rstrip()))
                begins = None
        raise DoesNotApplyError(f"no condition holds {text[slice(*part)]!r}")


def _end(text: str, start: int) -> int:
    """Return the end of the line in which all that was opened since a place is closed."""
    open_ = 0
    for match in _TOKEN.finditer(text, start):
        open_ += (match[0] in _OPEN) - (match[0] in _CLOSE)
        if match[0] == "\n" and open_ <= 0:
            return match.start()
    return len(text)
