"""A handler's type hints as JSON Schema, and JSON decoded to the types of the hints."""

import copy
import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import msgspec

from tidings.context.context import Context, is_context
from tidings.context.sync_context import SyncContext
from tidings.protocol.kinds.schema_reference import resolve_reference
from tidings.schema.codec import decode, is_pydantic
from tidings.schema.schema_types import complete, complete_pydantic
from tidings.streams.generator_items import GeneratorItems

from .handler_checks import context_fault, parameter_fault


class InputSchema:
    """The input of a handler: all its parameters but the context."""

    def __init__(self, type_: Any, names: tuple[str, ...], context: str | None, *, whole: bool = False) -> None:
        """Bind a type to the parameters of a handler.

        Args:
            type_: the type of the decoded input.
            names: the parameters, each of which gets one field of the input.
            context: the parameter that gets the context; None: the handler takes none.
            whole: the one parameter in `names` gets the whole input.

        """
        self.type = type_
        self.context = context
        self._names = names
        self._whole = whole
        self.schema: dict[str, Any] = schema_of(type_)

    @classmethod
    def of(cls, function: Callable[..., Any], kind: str, filled: frozenset[str] = frozenset()) -> Self:
        """Return the input of a handler.

        Args:
            function: the handler.
            kind: for errors.
            filled: the parameters that dependencies fill.

        Raises:
            TypeError: no field of a JSON object can fill a parameter, or JSON has no form for its type.

        """
        signature = inspect.signature(function).parameters.items()
        parameters = {name: parameter for name, parameter in signature if name not in filled}
        hints = typing.get_type_hints(function, include_extras=True)
        context = _context_parameter(parameters, hints)
        if context:
            del parameters[context]
            if fault := context_fault(function, context, hints.get(context)):
                raise TypeError(f"job {kind}: {fault}")
        for parameter in parameters.values():
            if fault := parameter_fault(parameter):
                raise TypeError(f"job {kind}: {fault}")
        single = next(iter(parameters), None)
        if len(parameters) == 1 and single and is_whole_input(hints.get(single)):
            return cls(hints[single], (single,), context, whole=True)
        try:
            return cls(_struct(kind, parameters, hints), tuple(parameters), context)
        except TypeError as error:
            raise TypeError(f"job {kind}: {_culprit(parameters, hints)}{error}") from error

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the input fills."""
        return self._names

    @property
    def whole(self) -> bool:
        """Whether the one parameter in `names` gets the whole input."""
        return self._whole

    @property
    def required(self) -> list[str]:
        """The fields that an input must have."""
        try:
            decode(b"{}", self.type)
        except msgspec.ValidationError:
            part = resolve_reference(self.schema, self.schema)
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
    """The result of a handler, if its hints declare one."""

    def __init__(self, schema: dict[str, Any] | None, type_: Any = Any) -> None:
        self.schema = schema
        self._type = type_

    @classmethod
    def of(cls, function: Callable[..., Any], yields: GeneratorItems | None = None) -> Self:
        """Return the result of a handler; without a schema if it declares none, or one for which JSON has no form.

        Args:
            function: the handler.
            yields: what it yields; None: it is no generator.

        """
        hint = typing.get_type_hints(function, include_extras=True).get("return") if yields is None else yields.result
        if hint is None or (yields is not None and hint is Any):
            return cls(None)
        try:
            return cls(schema_of(hint), hint)
        except TypeError:
            return cls(None)  # such as a user's class, which a hook encodes

    def value_of(self, found: Any) -> Any:
        """Return a result that came as JSON as what the handler's hint says; as it is if the handler has none.

        Args:
            found: what JSON gives: dicts, lists and the like.

        Raises:
            msgspec.ValidationError: it is none: the worker may have run another version of the handler.

        """
        return found if self._type is Any else decode(msgspec.json.encode(found), self._type, self.schema)


def chunk_schema(yields: GeneratorItems | None) -> dict[str, Any] | None:
    """Return the schema of what a generator yields; None: it is none, or its hints do not say it for JSON."""
    if yields is None or yields.chunk is Any:
        return None
    try:
        return schema_of(yields.chunk)
    except TypeError:
        return None  # such as a user's class, which a hook encodes


def schema_of(type_: Any) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a type, Pydantic models included.

    Raises:
        TypeError: JSON has no form for it.

    """
    found: dict[str, Any] = {}

    def hook(unknown: type) -> dict[str, Any]:
        if not is_pydantic(unknown):
            name = unknown.__qualname__
            raise TypeError(
                f"the type {name} has no form in JSON; take text, numbers, lists or a dataclass, or for what the input "
                f"does not hold Annotated[{name}, Depends(FUNCTION)]"
            )
        schema = complete_pydantic(unknown, "#/$defs/{model}")
        found.update(schema.pop("$defs", {}))
        return schema

    schema = msgspec.json.schema(type_, schema_hook=hook)
    complete(type_, schema)
    if found:
        schema.setdefault("$defs", {}).update(found)
    return schema


def _culprit(parameters: Iterable[str], hints: Mapping[str, Any]) -> str:
    """Return the parameter for whose type JSON has no form, as the beginning of a sentence; empty: there is none."""
    for name in parameters:
        try:
            schema_of(hints.get(name, Any))
        except TypeError:
            return f"the parameter {name}: "
    return ""


def _context_parameter(parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> str | None:
    for name in parameters:
        if is_context(hints.get(name), Context, SyncContext):
            return name
    first = next(iter(parameters), None)
    return first if first in ("ctx", "context") and first not in hints else None


def is_whole_input(type_: Any) -> bool:
    """Return whether a type is the whole input of a handler that takes nothing else; some are a field of it always."""
    return is_object_type(type_) and not getattr(type_, "__tidings_field__", False)


def is_object_type(type_: Any) -> bool:
    """Return whether the values of a type are JSON objects with known fields."""
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
    # A field without a parameter is a mistake of the client, as an unknown keyword argument is in Python.
    return msgspec.defstruct(kind, fields, kw_only=True, forbid_unknown_fields=True)


def _default(value: Any) -> Any:
    if isinstance(value, list | dict | set | bytearray):  # each call gets its own copy of a mutable default
        return msgspec.field(default_factory=lambda: copy.copy(value))
    return value
