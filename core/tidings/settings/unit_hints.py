"""What was probably meant by a setting with a unit in it, such as `10s` or `1MB`: settings have their unit by name."""

import re

_QUANTITY = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([A-Za-z]{1,7})\s*")

_FACTORS: dict[str, dict[str, float]] = {
    "s": {"ms": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3_600, "hour": 3_600,
          "d": 86_400, "day": 86_400},
    "bytes": {"b": 1, "byte": 1, "k": 1_024, "kb": 1_000, "kib": 1_024, "m": 1_048_576, "mb": 1_000_000,
              "mib": 1_048_576, "g": 1_073_741_824, "gb": 1_000_000_000, "gib": 1_073_741_824},
}  # fmt: skip
"""Unit of a setting → what people write behind a number → how many of the unit that is."""

_WORDS = {"s": "a number of seconds", "bytes": "a whole number of bytes"}


def unit_hint(unit: str, text: str) -> str:
    """Return what to write for a value with a unit, as the end of a sentence; empty: it is no such value.

    Args:
        unit: of the setting.
        text: the value as its author wrote it.

    """
    found = _QUANTITY.fullmatch(text)
    factors = _FACTORS.get(unit)
    if found is None or factors is None:
        return ""
    number, word = found.groups()
    factor = factors.get(word.lower()) or factors.get(word.lower().removesuffix("s"))
    return "" if factor is None else f"it takes {_WORDS[unit]}, without a unit: write {float(number) * factor:.12g}"
