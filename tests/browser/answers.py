"""Answers of the server made from their types alone: with as little as a type allows, or with all there can be."""

from typing import Any

import msgspec
from msgspec import inspect

from tidings.protocol.problems import CODES, problem

MOMENT = "2026-01-01T12:00:00.000Z"

SAID: dict[str, Any] = {
    "problem": msgspec.to_builtins(problem(next(iter(CODES)), "it fell", field="/a", limit=3, retry_after=1.5)),
    "progress": {"fraction": None, "message": "half", "data": {"a": [1]}},
    "milestones": dict.fromkeys(("submitted", "queued", "started", "finished"), MOMENT),
}
"""What is in fields whose type does not say it."""

TIMES = {"at", "died", "due", "deadline", "began", "ended"}
"""Fields of texts that are moments."""


def answer(type_: Any, *, full: bool, **fields: Any) -> bytes:
    """Return what the server writes for one object of a type.

    Args:
        type_: a struct.
        full: whether all optional fields and lists hold something; else none does.
        fields: values that shall be in it.

    """
    info = inspect.type_info(type_)
    assert isinstance(info, inspect.StructType)
    return msgspec.json.encode(_struct(info, full, fields))


def _struct(info: inspect.StructType, full: bool, fields: dict[str, Any]) -> Any:
    made = dict(fields)
    for field in info.fields:
        if field.name not in made and (field.required or full):
            made[field.name] = _value(field.name, field.type, full)
    return info.cls(**made)


def _value(name: str, info: inspect.Type, full: bool) -> Any:  # noqa: PLR0911, PLR0912 - one line for each type there is
    if isinstance(info, inspect.Metadata):  # what only the documents tell of it
        return _value(name, info.type, full)
    match info:
        case inspect.UnionType(types=types):
            kinds = [one for one in types if not isinstance(one, inspect.NoneType | inspect.CustomType)]
            none = any(isinstance(one, inspect.NoneType) for one in types)
            return _value(name, kinds[0], full) if full or not none else None
        case inspect.StructType():
            return _struct(info, full, {})
        case inspect.ListType(item_type=item):
            return [_value(name, item, full)] if full else []
        case inspect.VarTupleType(item_type=item):
            return (_value(name, item, full),) if full else ()
        case inspect.DictType(value_type=value):
            return (SAID.get(name) or {name: _value(name, value, full)}) if full else {}
        case inspect.EnumType(cls=cls):
            return next(iter(cls))
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.BoolType():
            return full
        case inspect.IntType():
            return 1_700_000_000_000 if name in {"at", "since", "submitted", "finished"} else int(full)
        case inspect.FloatType():
            return 0.75 if full else 0.0
        case inspect.StrType():
            return MOMENT if name in TIMES else "1.2" if name == "path" else name if full else ""
        case inspect.RawType():
            return msgspec.Raw(msgspec.json.encode(SAID.get(name, {"a": 1}) if full else None))
        case inspect.AnyType():
            return SAID.get(name, {"a": [1, None]}) if full else None
    raise AssertionError(f"no value is known for {name}: {info}")
