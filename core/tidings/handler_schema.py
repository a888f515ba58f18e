"""Shapes: a handler's type hints as JSON Schema, and JSON as what the hints promise."""

import copy
import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from .context import Context
from .schema.codec import decode, is_pydantic
from .schema.schema_types import complete, complete_pydantic
from .sync_context import SyncContext


class InputSchema:
    """What a handler takes beside its context."""

    def __init__(self, type_: Any, names: tuple[str, ...], context: str | None, *, whole: bool = False) -> None:
        """Bind a type to the way its value is handed over.

        Args:
            type_: what the input is decoded to.
            names: the parameters that its fields become.
            context: the parameter that gets the context; None: the handler takes none.
            whole: the value itself becomes the one parameter in `names`.

        """
        self.type = type_
        self.context = context
        self._names = names
        self._whole = whole
        self.schema = schema_of(type_)

    @classmethod
    def of(cls, function: Callable[..., Any], kind: str) -> Self:
        """Return the shape of a handler's input.

        Raises:
            TypeError: a parameter cannot be filled from a JSON object, or is of a type that JSON
                does not have.

        """
        parameters = dict(inspect.signature(function).parameters)
        hints = typing.get_type_hints(function, include_extras=True)
        context = _context_parameter(parameters, hints)
        if context:
            del parameters[context]
        for parameter in parameters.values():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"job {kind}: the parameter {parameter} cannot be a field of a JSON object")
        single = next(iter(parameters), None)
        if len(parameters) == 1 and single and _is_object(hints.get(single)):
            return cls(hints[single], (single,), context, whole=True)
        try:
            return cls(_struct(kind, parameters, hints), tuple(parameters), context)
        except TypeError as error:
            raise TypeError(f"job {kind}: {error}") from error

    @property
    def required(self) -> list[str]:
        """The fields that an input must have."""
        try:
            decode(b"{}", self.type)
        except msgspec.ValidationError:
            schema = self.schema
            part = schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            return list(part.get("required", ())) or ["the input"]
        return []

    def arguments(self, raw: bytes | msgspec.Raw) -> dict[str, Any]:
        """Return the handler's keyword arguments for an input.

        Raises:
            msgspec.ValidationError: the input does not fit.

        """
        value = decode(raw, self.type, self.schema)
        if self._whole:
            return {self._names[0]: value}
        return {name: getattr(value, name) for name in self._names}


class ResultSchema:
    """What a handler returns, where it says so."""

    def __init__(self, schema: dict[str, Any] | None) -> None:
        self.schema = schema

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Self:
        """Return the shape of a handler's result; none if it declares none that JSON has."""
        hint = typing.get_type_hints(function, include_extras=True).get("return")
        if hint is None:
            return cls(None)
        try:
            return cls(schema_of(hint))
        except TypeError:
            return cls(None)  # such as a class of the user's own, encoded by a hook


def schema_of(type_: Any) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a type, Pydantic models included.

    Raises:
        TypeError: JSON has no such type.

    """
    found: dict[str, Any] = {}

    def hook(unknown: type) -> dict[str, Any]:
        if not is_pydantic(unknown):
            raise TypeError(f"the type {unknown.__qualname__} has no form in JSON")
        schema = complete_pydantic(unknown, "#/$defs/{model}")
        found.update(schema.pop("$defs", {}))
        return schema

    schema = msgspec.json.schema(type_, schema_hook=hook)
    complete(type_, schema)
    if found:
        schema.setdefault("$defs", {}).update(found)
    return schema


def _context_parameter(parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> str | None:
    for name in parameters:
        if hints.get(name) in (Context, SyncContext):
            return name
    first = next(iter(parameters), None)
    return first if first in ("ctx", "context") and first not in hints else None


def _is_object(type_: Any) -> bool:
    return isinstance(type_, type) and (
        issubclass(type_, msgspec.Struct)
        or dataclasses.is_dataclass(type_)
        or typing.is_typeddict(type_)
        or is_pydantic(type_)
    )


def _struct(kind: str, parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> Any:
    fields: list[Any] = []
    for name, parameter in parameters.items():
        hint = hints.get(name, Any)
        if parameter.default is parameter.empty:
            fields.append((name, hint))
        else:
            fields.append((name, hint, _default(parameter.default)))
    # A field that is not a parameter is a mistake of the caller's, as in Python.
    return msgspec.defstruct(kind, fields, kw_only=True, forbid_unknown_fields=True)


def _default(value: Any) -> Any:
    if isinstance(value, list | dict | set | bytearray):  # a mutable default belongs to one call only
        return msgspec.field(default_factory=lambda: copy.copy(value))
    return value
