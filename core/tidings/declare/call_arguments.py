"""A caller's arguments, as a handler takes them, made the input of a job."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import msgspec

from tidings.protocol.kinds.schema_reference import resolve_reference

from .handler_schema import InputSchema, is_object_type


class CallArguments(NamedTuple):
    """How the arguments for one kind become its input."""

    kind: str
    signature: inspect.Signature
    """The handler's, of the parameters that are fields of the input."""
    whole: bool
    """The one parameter is the whole input."""
    first_may_be_object: bool
    """The first parameter's schema allows a JSON object."""

    @classmethod
    def of(cls, kind: str, function: Callable[..., Any], schema: InputSchema) -> Self:
        """Return those of a kind."""
        parameters = inspect.signature(function).parameters
        fields = [parameters[name] for name in schema.names]
        properties = resolve_reference(schema.schema, schema.schema).get("properties", {})
        first = properties.get(schema.names[0], {}) if fields and not schema.whole else {}
        may_be_object = bool(fields) and _may_be_object(first, schema.schema)
        return cls(kind, inspect.Signature(fields), schema.whole, may_be_object)

    def input_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the input for arguments, given as to the handler itself, without its context; defaults stay unsaid.

        One mapping or another object alone is the whole input, as it is beside the name of a kind.

        Raises:
            TypeError: the handler does not take these arguments; or one mapping may be the input or an argument.

        """
        if len(args) == 1 and not kwargs and not self.whole:
            if isinstance(args[0], Mapping):
                return self._lone_mapping(args[0])
            if not self.first_may_be_object and is_object_type(type(args[0])):
                return args[0]
        try:
            bound = self.signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"job {self.kind}: {error}; it takes {self.signature}") from None
        if self.whole:
            return next(iter(bound.values()), {})
        return {name: value for name, value in bound.items() if value is not msgspec.UNSET}

    def _lone_mapping(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.first_may_be_object:
            name = next(iter(self.signature.parameters))
            raise TypeError(
                f"job {self.kind}: one mapping may be the whole input, or the argument {name}: write "
                f"{name}=… for the argument, **{{…}} for the whole input"
            )
        return value


def _may_be_object(part: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a part of a schema allows an object; a part that says nothing of the type does."""
    resolved = resolve_reference(part, schema)
    if "anyOf" in resolved:
        return any(_may_be_object(one, schema) for one in resolved["anyOf"])
    if "const" in resolved or "enum" in resolved:
        return False
    type_ = resolved.get("type", "object")
    return "object" in ([type_] if isinstance(type_, str) else type_)
