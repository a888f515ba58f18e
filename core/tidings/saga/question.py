"""Questions of sagas: the type of an answer as a form that clients can show. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tidings.protocol.kinds.schema_reference import resolve_reference
from tidings.protocol.questions import VALUE, Question, encode_question

MAX_QUESTION = 2_000
"""Characters of a question."""

MAX_FIELDS = 50
"""Fields of a form."""

MAX_FORM_BYTES = 16_384
"""Size of a form's schema, as JSON."""

_TYPES = frozenset({"string", "integer", "number", "boolean"})

_KEPT = (
    "type", "title", "description", "default", "enum", "format", "minLength", "maxLength", "minimum", "maximum"
)  # fmt: skip
"""The keywords that clients know in the schema of a form's field."""

_FORMATS = frozenset({"email", "uri", "date", "date-time"})


def question_text(signal: str, ask: str, answer: Any) -> str:
    """Return a question as JSON text; empty, if there is nothing to say.

    Args:
        signal: the name of the signal, for errors.
        ask: the question.
        answer: the type of the answer.

    Raises:
        TypeError: a form has no field for it.
        ValueError: the question is too long, or the form too large.

    """
    if not ask and answer is str:
        return ""
    if len(ask) > MAX_QUESTION:
        raise ValueError(f"signal {signal!r}: ask has {len(ask)} characters; at most {MAX_QUESTION} are allowed")
    try:
        schema, whole = _form(answer)
    except TypeError as error:
        raise TypeError(f"signal {signal!r}: answer: {error}") from error
    if len(msgspec.json.encode(schema)) > MAX_FORM_BYTES:
        raise ValueError(f"signal {signal!r}: answer: the form has more than {MAX_FORM_BYTES} bytes as a JSON Schema")
    return encode_question(Question(message=ask, schema=schema, whole=whole)).decode()


@lru_cache(maxsize=256)
def _form(answer: Any) -> tuple[dict[str, Any], bool]:
    """Return the schema of the form for a type, and whether the answer is the form's object.

    Raises:
        TypeError: a form has no field for it.

    """
    schema = msgspec.json.schema(answer)
    root = resolve_reference(schema, schema)
    if root.get("type") != "object":
        return {"type": "object", "properties": {VALUE: _field("it", root, schema)}, "required": [VALUE]}, False
    fields = root.get("properties") or {}
    if not 1 <= len(fields) <= MAX_FIELDS:
        raise TypeError(f"a form has 1 to {MAX_FIELDS} fields with names; this has {len(fields)}")
    form: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field(f"its field {name}", part, schema) for name, part in fields.items()},
    }
    if root.get("required"):
        form["required"] = list(root["required"])
    return form, True


def _field(what: str, part: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    default = part.get("default")
    found = dict(resolve_reference(part, schema))
    choices = [one for one in found.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:  # such as `str | None`: a field that may be left out
        found = dict(resolve_reference(choices[0], schema))
    if default is not None:
        found["default"] = default
    if "enum" in found and all(isinstance(choice, str) for choice in found["enum"]):
        found["type"] = "string"
    type_ = found.get("type")
    if not isinstance(type_, str) or type_ not in _TYPES or ("enum" in found and type_ != "string"):
        raise TypeError(f"a form has no field for {what}; take str, bool, int, float, or a Literal or Enum of texts")
    if found.get("format") not in _FORMATS:
        found.pop("format", None)
    return {name: found[name] for name in _KEPT if found.get(name) is not None}
