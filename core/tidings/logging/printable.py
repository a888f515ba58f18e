"""Texts of clients and workers as a terminal may show them.

What a job, a worker or a client wrote reaches operators by commands and by log lines. A terminal obeys control
characters (ECMA-48: CSI, OSC, and C1 as single characters), and shows a line in another order than it is written where
it holds bidirectional controls; a line break begins what looks like another line. So every text passes here at the edge
at which it leaves for a terminal, and nowhere before: what is stored and sent stays as it was.

Sources: ECMA-48; Unicode Standard Annex 9, and Technical Report 36, section 2.5 (text that deceives).
"""

import re
from typing import Any

import msgspec

_UNPRINTABLE_JSON = re.compile(r"[^\n -~\xa0-\xac\xae-\u0377]")
"""Characters of JSON text that are looked at one by one."""


def printable(text: str, *, lines: bool = False) -> str:
    """Return a text with every character that a terminal would not show as itself written as Python writes it.

    Args:
        text: any.
        lines: whether line breaks stay, as in a traceback, and tabs become spaces; else the text is one line.

    """
    if text.isprintable():
        return text
    if lines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
    return "".join(char if char.isprintable() or (lines and char == "\n") else _escape(char) for char in text)


def printable_json(value: Any) -> str:
    """Return a value as indented JSON for a terminal: the same value, with escapes where `printable` has them."""
    return _escape_json(msgspec.json.format(msgspec.json.encode(value)).decode())


def printable_json_line(value: Any) -> str:
    """Return a value as one line of JSON; see `printable_json`."""
    return _escape_json(msgspec.json.encode(value).decode())


def _escape_json(text: str) -> str:
    """Escape inside of strings: JSON has these characters nowhere else, and its line breaks are its own."""
    return _UNPRINTABLE_JSON.sub(lambda match: _json_escape(match[0]), text)


def _json_escape(char: str) -> str:
    """Return a character, as JSON escapes it (RFC 8259, section 7) if it is not printable."""
    if char.isprintable() or char == "\u3000":
        return char
    encoded = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{encoded[at : at + 4]}" for at in range(0, len(encoded), 4))


def _escape(char: str) -> str:
    return " " if char in _SPACES else char.encode("unicode_escape").decode()


_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Spaces of all widths (category Zs): to people a space."""
