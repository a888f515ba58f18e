"""The names and the types of the options of `@job`; what their values may be, the policy says."""

from collections.abc import Collection, Mapping
from typing import Any, Final

_TEXT = (str, "a text")
_WHOLE = (int, "a whole number")
_TEXTS = ("name", "queue", "run_in", "unique", "cron", "timezone", "limit_by", "when_busy", "fallback")

_TYPES: Final[Mapping[str, tuple[Any, str]]] = {
    **dict.fromkeys(_TEXTS, _TEXT),
    **dict.fromkeys(("version", "retries", "max_deliveries", "limit"), _WHOLE),
    "upcast": (Mapping, "a mapping of versions to functions"),
    "rate": ((int, float), "a number"),
    "expose_errors": (bool, "True or False"),
}
"""Option → its type, and the word for it."""

_NULLABLE = frozenset({"unique", "cron", "limit", "limit_by", "rate", "fallback", "expose_errors"})
"""Options that may be None."""


def check_options(options: Mapping[str, Any], known: Collection[str]) -> None:
    """Check names and types of options.

    Args:
        options: as their author wrote them.
        known: the names that there are.

    Raises:
        TypeError: there is no such option, or its value has another type.

    """
    for name, value in options.items():
        if name not in known:
            from tidings.protocol.decoding.name_suggestions import name_hint  # noqa: PLC0415 - difflib is for errors alone

            raise TypeError(f"there is no option {name!r}; {name_hint(name, known)}")
        if name not in _TYPES or (value is None and name in _NULLABLE):
            continue
        type_, word = _TYPES[name]
        if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
            text = repr(value)
            raise TypeError(f"{name} is {text if len(text) <= 60 else text[:60] + '…'}; it must be {word}")
