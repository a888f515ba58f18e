"""Rules that choose the tier of a job by its input: the values of `@job(tier=…)` besides a plain name."""

from collections.abc import Mapping
from typing import Any

from tidings.protocol.kinds.schema_reference import resolve_reference
from tidings.protocol.kinds.tier_rule import TierRule, pointer_parts


def by_size(*, above: float, then: str, otherwise: str = "standard") -> TierRule:
    """Return a rule: an input of more than `above` bytes of JSON belongs to `then`, any other to `otherwise`."""
    return TierRule(above=above, then=then, otherwise=otherwise)


def by_field(field: str, *, above: float, then: str, otherwise: str = "standard") -> TierRule:
    """Return a rule about one field of the input.

    Args:
        field: its name, or a JSON Pointer such as `/order/rows`.
        above: a larger number, or a longer text, list or object, belongs to `then`.
        then: a tier.
        otherwise: a tier; also where the field is missing or null.

    """
    pointer = field if field.startswith("/") else "/" + field.replace("~", "~0").replace("/", "~1")
    return TierRule(field=pointer, above=above, then=then, otherwise=otherwise)


def check_field(rule: TierRule, schema: Mapping[str, Any]) -> None:
    """Check that a rule's field is one of the input.

    Raises:
        ValueError: the input has no field of this name.

    """
    part: Mapping[str, Any] = schema
    for name in pointer_parts(rule.field) if rule.field else ():
        part = resolve_reference(part, schema)
        fields = part.get("properties")
        if fields is None or (name not in fields and part.get("additionalProperties")):
            return  # a list, or an object with fields of any name: the schema does not say which
        if name not in fields:
            raise ValueError(
                f"tier goes by {rule.field!r}, which the input does not have; its fields: {', '.join(fields) or 'none'}"
            )
        part = fields[name]
