r"""Patterns that Python and a JSON Schema engine read in the same way.

A server checks the inputs of a kind by its JSON Schema, whose regular expressions are those of ECMA-262 (JSON Schema
2020-12, section 6.4); the worker decodes the same inputs with Python's. Some constructs exist in one language only
(``\Z``, ``(?P=name)``), others exist in both with different meanings (``a++``, ``[a&&b]``). This module finds them, so
that the worker refuses them at its start.
"""

import re

MAX_ATOMS = 100_000
"""Characters and classes in a pattern with its counted repeats written out; an engine compiles each of them."""

_HEX = {"x": 2, "u": 4}
_ANYWHERE = frozenset("dDwWsSnrtfv")
_PUNCTUATION = frozenset(".^$*+?()[]{}|/\\-!\"#%&',:;=@_`~ ")
_GROUP = re.compile(r"\((\?(?:[:=!]|<[=!]|P<[A-Za-z_]\w*>|[ims]+:|[ims]+\))?)?", re.ASCII)
_AROUND = ("(?=", "(?!", "(?<=", "(?<!")
_COUNT = re.compile(r"\{([0-9]{1,6})(,([0-9]{1,6})?)?\}")
_PROPERTY = re.compile(r"\{[A-Za-z_]+(=[A-Za-z_]+)?\}")
_INSTEAD: tuple[tuple[str, str], ...] = (
    (r"\A", "`^`"),
    (r"\Z", "`$`"),
    (r"\z", "`$`"),
    (r"\N", r"the character itself, or `\u` and its four hexadecimal digits"),
    (r"\U", "the character itself"),
    (r"\0", r"`\x` and two hexadecimal digits"),
    (r"\a", r"`\x07`"),
    (r"\<", "`<`"),
    (r"\>", "`>`"),
    ("(?P=", "the pattern without the named reference; the handler can compare the two parts"),
    ("(?>", "`(?:`: whether a text matches is then decided without atomic groups"),
    ("(?#", "the pattern without the comment"),
    ("(?(", "the two cases as alternatives: `a|b`"),
    ("(?x", "the pattern without blanks and comments"),
    ("(?<", "`(?P<name>`"),
    ("(?", "the pattern without this flag; `(?i)`, `(?m)` and `(?s)` may be used"),
    ("{,", "the least count too: `{0,`"),
    ("{", r"`\{` for the character, or a count such as `{2}`, `{0,2}`"),
    ("}", r"`\}`"),
    ("&&", r"`\&\&` for the characters: this is an intersection of two sets elsewhere"),
    ("--", r"`\-` for the character: this is a difference of two sets elsewhere"),
    ("~~", r"`\~` for the character: this is a difference of two sets elsewhere"),
    ("[", r"`\[`"),
    ("]", r"`\]`"),
    ("++", "the repeat without its second `+`"),
    ("*+", "the repeat without its second `+`"),
    ("?+", "the repeat without its `+`"),
    ("}+", "the repeat without its `+`"),
)


def check_pattern(pattern: str) -> None:
    """Check that a server can use a pattern, and reads it as Python does.

    Raises:
        ValueError: it cannot, or does not; the message says where in the pattern, and what to write instead.

    """
    try:
        _Scanner(pattern).check()
    except ValueError as error:
        better = _corrected(pattern)
        if better is None:
            raise
        raise ValueError(f"{str(error).partition('; write ')[0]}; write {better!r}") from None


class _Scanner:
    """Reads a pattern from its beginning to its end, and refuses what the two languages do not share."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def check(self) -> None:
        """Read the whole pattern.

        Raises:
            ValueError: a server cannot use a part of it.

        """
        if self._alternatives(0) > MAX_ATOMS:
            raise ValueError(f"the pattern {self._shown} repeats too much; bound the length with `max_length` instead")
        if self._at < len(self._text):
            raise self._refused(")", "`\\)`")

    @property
    def _shown(self) -> str:
        return repr(self._text if len(self._text) <= 100 else self._text[:100] + "…")

    def _next(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _alternatives(self, depth: int) -> int:
        """Read to the end of a group, and return its size in atoms."""
        if depth > 50:
            raise ValueError(f"the pattern {self._shown} nests its groups too deeply; at most 50 deep is read")
        size = 0
        while self._at < len(self._text) and not self._next(")"):
            if self._next("|"):
                self._at += 1
            else:
                atom = self._atom(depth)
                if atom == 0 and self._text[self._at : self._at + 1] in ("*", "+", "?", "{"):
                    raise self._refused(self._text[self._at], "the pattern without this repeat: it repeats nothing")
                size += max(atom, 1) * self._repeats()
        return size

    def _atom(self, depth: int) -> int:
        char = self._text[self._at]
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape("bB123456789")
        if char in "{}":
            raise self._refused("{," if self._next("{,") else char)
        self._at += 1
        return 1

    def _repeats(self) -> int:
        """Read the repeat of an atom, and return how often an engine writes the atom out."""
        match = _COUNT.match(self._text, self._at)
        if match:
            self._at = match.end()
            times = int(match[3] or match[1])
        elif self._at < len(self._text) and self._text[self._at] in "*+?":
            self._at += 1
            times = 1
        else:
            return 1
        if self._next("+"):
            self._at -= 1
            raise self._refused(self._text[self._at : self._at + 2])
        if self._next("?"):
            self._at += 1
        return max(times, 1)

    def _group(self, depth: int) -> int:
        match = _GROUP.match(self._text, self._at)
        assert match is not None
        if match[1] == "?":
            wrong = next((begin for begin, _ in _INSTEAD if begin[:2] == "(?" and self._next(begin)), "(?")
            raise self._refused(wrong)
        self._at = match.end()
        if match[0].endswith(")"):
            return 0
        size = self._alternatives(depth + 1)
        if not self._next(")"):
            raise ValueError(f"the pattern {self._shown} has a group without its end: `)` is missing")
        self._at += 1
        return 0 if match[0].startswith(_AROUND) else size

    def _class(self) -> int:
        self._at += 2 if self._next("[^") else 1
        if self._next("]"):
            raise self._refused("]")
        while not self._next("]"):
            if self._at >= len(self._text):
                raise ValueError(f"the pattern {self._shown} has a set without its end: `]` is missing")
            for wrong in ("&&", "--", "~~", "["):
                if self._next(wrong):
                    raise self._refused(wrong)
            if self._next("\\"):
                self._escape("")
            else:
                self._at += 1
        self._at += 1
        return 1

    def _escape(self, more: str) -> int:
        """Read an escape that means the same in both languages, or one of `more`."""
        char = self._text[self._at + 1 : self._at + 2]
        if char in _HEX:
            digits = self._text[self._at + 2 : self._at + 2 + _HEX[char]]
            if re.fullmatch(f"[0-9A-Fa-f]{{{_HEX[char]}}}", digits) is None:
                raise self._refused("\\" + char, f"`\\{char}` and {_HEX[char]} hexadecimal digits")
            self._at += 2 + _HEX[char]
        elif char and char in "pP" and (match := _PROPERTY.match(self._text, self._at + 2)):
            self._at = match.end()
        elif char and char in _ANYWHERE | _PUNCTUATION | set(more) and not self._is_octal(char):
            self._at += 2
        else:
            raise self._refused("\\" + char)
        return 1

    def _is_octal(self, char: str) -> bool:
        after = self._text[self._at + 2 : self._at + 3]
        return char.isdigit() and after.isdigit()

    def _refused(self, wrong: str, instead: str = "") -> ValueError:
        hint = instead or dict(_INSTEAD).get(wrong, "the character without its backslash, or a set of characters")
        return ValueError(
            f"the pattern {self._shown} has `{wrong}` at character {self._at + 1}, which the servers' regular "
            f"expressions (those of JSON Schema, ECMA-262) lack or read otherwise; write {hint}"
        )


def _corrected(pattern: str) -> str | None:
    r"""Return a pattern of the same meaning without ``\A``, ``\Z`` and ``{,n}``; None: more is wrong with it."""
    anchors = {"A": "^", "Z": "$", "z": "$"}
    told = re.sub(r"(?<!\\)((?:\\\\)*)\\([AZz])", lambda found: found[1] + anchors[found[2]], pattern)
    told = re.sub(r"(?<!\\)((?:\\\\)*)\{,([0-9]+)\}", r"\1{0,\2}", told)
    try:
        _Scanner(told).check()
    except ValueError:
        return None
    return told
