"""Reading what the clients of models give, whichever they are: objects with attributes, or mappings."""

from collections.abc import Mapping
from typing import Any


def field_of(value: Any, name: str) -> Any:
    """Return a field; None: it has none."""
    if isinstance(value, Mapping):
        return value.get(name)
    return getattr(value, name, None)


def text_of(value: Any, name: str) -> str:
    """Return a field that is text; empty: it is none."""
    found = field_of(value, name)
    return found if isinstance(found, str) else ""
