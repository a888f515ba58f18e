"""What a JSON Schema says of a value, in the words of a table."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

PREFIX = "#/components/schemas/"


def type_text(schema: Schema, link: str = "") -> str:
    """Return the type of a value: what it is, and its bounds.

    Args:
        schema: of the value.
        link: what stands before the anchor of a named type; empty: they stand on the same page.

    """
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(PREFIX)
        text = f"[`{name}`]({link}#{name.lower()})"
    elif (several := schema.get("anyOf") or schema.get("oneOf")) is not None:
        text = " or ".join(dict.fromkeys(type_text(one, link) for one in several))
    elif "const" in schema:
        text = f"`{schema['const']}`"
    elif "enum" in schema:
        text = "one of " + ", ".join("null" if one is None else f"`{one}`" for one in schema["enum"])
    else:
        text = _plain(schema, link)
    return text


def _plain(schema: Schema, link: str) -> str:
    kind = str(schema.get("type", "any JSON"))
    match kind:
        case "array":
            items = type_text(schema["items"], link) if schema.get("items") else "any JSON"
            return f"list of {items}{_bounds(schema, 'minItems', 'maxItems', ' items')}"
        case "object" if isinstance(schema.get("additionalProperties"), Mapping) and schema["additionalProperties"]:
            return f"object of {type_text(schema['additionalProperties'], link)} by name"
        case "string":
            return _string(schema)
        case "integer" | "number":
            return kind + _number(schema)
    return kind


def _string(schema: Schema) -> str:
    if schema.get("format") == "date-time":
        return "RFC 3339 text"
    text = "text" + _bounds(schema, "minLength", "maxLength", " characters")
    return f"{text} `{schema['pattern']}`" if "pattern" in schema else text


def _number(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f", above {above:,}" + (f", at most {high:,}" if high is not None else "")
    if low is not None and high is not None:
        return f", {low:,} to {_large(high)}"
    if low is not None:
        return f", from {low:,}"
    return "" if high is None else f", at most {_large(high)}"


def _large(number: float) -> str:
    return "2⁵³ - 1" if number == 2**53 - 1 else f"{number:,}"


def _bounds(schema: Schema, low: str, high: str, unit: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is not None and most is not None:
        return f", {least} to {most}{unit}"
    if most is not None:
        return f", at most {most}{unit}"
    return "" if least is None else f", at least {least}{unit}"
