"""Texts that stand for values of other types in JSON: the form of each, the same for servers and workers.

JSON Schema names such a form as `format`. Servers assert it (JSON Schema 2020-12 validation, section 7): so a server
refuses a text on submission that a worker would refuse later, or would read as another value. The checks here accept
the texts that msgspec decodes strictly, and Pydantic decodes to the same value.
"""

import base64
import binascii
import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

INTEGER_KEY = "^(?:0|-?[1-9][0-9]{0,99})$"
"""A whole number as the name of a field, written as JSON writes it."""

NUMBER_KEY = r"^-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][+-]?[0-9]{1,2})?$"
"""A number as the name of a field, written as JSON writes it, without exponents of three digits."""

DECIMAL = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
"""A decimal number as a text: no `NaN`, no `Infinity`, no blanks."""

MAX_TEXT = 1_000
"""Characters of a text that stands for a time, a number or an id."""

_DURATION = re.compile(
    r"[+-]?P(?=[0-9T])(?:[0-9]{1,9}(?:\.[0-9]{1,9})?D)?"
    r"(?:T(?=[0-9])(?:[0-9]{1,9}(?:\.[0-9]{1,9})?H)?(?:[0-9]{1,9}(?:\.[0-9]{1,9})?M)?(?:[0-9]{1,9}(?:\.[0-9]{1,9})?S)?)?"
)
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].*", re.DOTALL)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_DECIMAL = re.compile(DECIMAL)

EXAMPLES = {
    "date-time": "2026-12-24T18:00:00Z",
    "date-time-local": "2026-12-24T18:00:00",
    "date": "2026-12-24",
    "time": "18:00:00",
    "partial-time": "18:00:00",
    "duration": "PT1H30M",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "decimal": "12.50",
    "base64": "SGVsbG8=",
}
"""A text of each format, for the message that refuses another."""


def _decodes(type_: Any, form: re.Pattern[str] | None = None) -> Callable[[str], bool]:
    """Return a check of whether msgspec decodes a text to a value of a type."""

    def check(text: str) -> bool:
        if len(text) > MAX_TEXT or (form is not None and form.fullmatch(text) is None):
            return False
        try:
            msgspec.convert(text, type_)
        except (msgspec.ValidationError, ValueError, OverflowError, ArithmeticError):
            return False
        return True

    return check


def _uuid_version(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        return _UUID.fullmatch(text) is not None and uuid.UUID(text).version == version

    return check


def _is_decimal(text: str) -> bool:
    return len(text) <= MAX_TEXT and _DECIMAL.fullmatch(text) is not None


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
        msgspec.convert(text, bytes)
    except (binascii.Error, ValueError, msgspec.ValidationError):
        return False
    return True


def _is_base64url(text: str) -> bool:
    return len(text) % 4 == 0 and _BASE64URL.fullmatch(text) is not None


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _decodes(dt.datetime, _DATE_TIME),
    "date-time-local": _decodes(Annotated[dt.datetime, msgspec.Meta(tz=False)], _DATE_TIME),
    "date": _decodes(dt.date),
    "time": _decodes(dt.time),
    "partial-time": _decodes(Annotated[dt.time, msgspec.Meta(tz=False)]),
    "duration": _decodes(dt.timedelta, _DURATION),
    "uuid": _decodes(uuid.UUID, _UUID),
    **{f"uuid{version}": _uuid_version(version) for version in range(1, 9)},
    "decimal": _is_decimal,
    "base64": _is_base64,
    "base64url": _is_base64url,
    "json": _is_json,
}
"""The checks of formats, by name. An engine has more formats of its own (`email`, `uri`, `ipv4` …)."""


def format_text(format_: str) -> str:
    """Return the end of a message that shows the form of a format; empty: there is no example of it."""
    example = EXAMPLES.get(format_)
    return f": it must be written as in {example}" if example else ""
