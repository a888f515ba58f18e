"""Templates: a short text with fields of a job's input in braces, such as `{carrier}/{route.to}`."""

import hashlib
from collections.abc import Mapping
from string import Formatter
from typing import Any, NamedTuple, Self

import msgspec

from .schema_reference import resolve_reference

_encode = msgspec.json.Encoder(order="sorted").encode

MAX_VALUE = 128
"""Characters of a unique value that stand in a key's name as they are."""


class InputTemplate(NamedTuple):
    """A template, ready to be filled in."""

    parts: tuple[tuple[str, tuple[str, ...], Any], ...]
    """Literal text, then the path of a field (empty: none) and what stands for it where it is missing."""

    @classmethod
    def of(cls, text: str, schema: Mapping[str, Any]) -> Self:
        """Read a template against the JSON Schema of the input it is for.

        Raises:
            ValueError: it is malformed, or names a field that the input does not have.

        """
        parts = []
        try:
            found = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(f"{text!r} is no template: {error}") from None
        for literal, field, form, conversion in found:
            if form or conversion:
                raise ValueError(f"{text!r} is no template: a field is a plain name in braces")
            path = tuple(field.split(".")) if field is not None else ()
            parts.append((literal, path, _default(text, path, schema)))
        return cls(tuple(parts))

    def fill(self, value: Mapping[str, Any]) -> str:
        """Return the text for an input; each field as JSON, so that 1 and "1" differ."""
        return "".join(
            literal + (_encode(_look_up(value, path, default)).decode() if path else "")
            for literal, path, default in self.parts
        )

    def value(self, value: Mapping[str, Any]) -> str:
        """Return the text for an input as it stands in a key's name; a long one is replaced by its digest."""
        text = self.fill(value)
        return text if len(text) <= MAX_VALUE else hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def _look_up(value: Any, path: tuple[str, ...], default: Any) -> Any:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return default
        value = value[name]
    return value


def _default(text: str, path: tuple[str, ...], schema: Mapping[str, Any]) -> Any:
    """Return the default that the schema gives to a field.

    Raises:
        ValueError: there is no such field.

    """
    part: Any = schema
    for name in path:
        fields = resolve_reference(part, schema).get("properties", {})
        if not isinstance(fields, Mapping) or name not in fields:
            known = ", ".join(map(str, fields)) or "none"
            raise ValueError(f"{text!r} names {'.'.join(path)!r}, which the input does not have; its fields: {known}")
        part = fields[name]
    return part.get("default") if path and isinstance(part, Mapping) else None
