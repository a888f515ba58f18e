"""Kinds that are declared without their handler: for programs that submit jobs, but do not have the workers' code."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import msgspec

from tidings.kind import Kind

from .call_arguments import CallArguments
from .handler_schema import InputSchema, ResultSchema
from .job import JobDefinitionError

P = ParamSpec("P")
R = TypeVar("R")


class DeclaredKind(Kind[P, R]):
    """A kind of which only the arguments and the result are known. Made by `declare_kind`."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.kind = name
        try:
            schema = InputSchema.of(function, name)
        except TypeError as error:
            raise JobDefinitionError(str(error)) from error
        self._arguments = CallArguments.of(name, function, schema)
        self._result = ResultSchema.of(function)
        self.__doc__ = inspect.getdoc(function)

    def __repr__(self) -> str:
        return f"<kind {self.kind}>"

    def input_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """See `Kind`."""
        return self._arguments.input_of(args, kwargs)

    def takes(self, name: str) -> bool:
        """See `Kind`."""
        return name in self._arguments.signature.parameters

    def result_of(self, found: Any) -> Any:
        """See `Kind`."""
        return self._result.value_of(found)


class JsonKind(Kind[P, R]):
    """A kind whose arguments and result are JSON as it stands. Made by `declare_json_kind`."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.kind: str = name
        self._signature = inspect.signature(function)
        parameters = list(self._signature.parameters.values())
        self._whole = len(parameters) == 1 and parameters[0].kind is inspect.Parameter.POSITIONAL_ONLY
        self.__doc__ = inspect.getdoc(function)

    def __repr__(self) -> str:
        return f"<kind {self.kind}>"

    def input_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """See `Kind`."""
        try:
            bound = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"kind {self.kind}: {error}; it takes {self._signature}") from None
        if self._whole:
            return next(iter(bound.values()))
        return {name: value for name, value in bound.items() if value is not msgspec.UNSET}

    def takes(self, name: str) -> bool:
        """See `Kind`."""
        return not self._whole and name in self._signature.parameters

    def result_of(self, found: Any) -> Any:
        """See `Kind`."""
        return found


def declare_json_kind(name: str) -> Callable[[Callable[P, R]], Kind[P, R]]:
    """Declare a kind whose handler is elsewhere, with types that JSON itself has, as `tidings types --py` writes it.

    Unlike `declare_kind` it reads no type hint: the client sends the arguments as they are, and the result is what JSON
    gives (dicts, lists and the like).

    Args:
        name: of the kind. A function with one positional-only parameter takes the whole input; the parameters of any
            other are the fields of the input, and a field that is `msgspec.UNSET` is not sent.

    """
    return lambda function: JsonKind(function, name)


def declare_kind(name: str) -> Callable[[Callable[P, R]], Kind[P, R]]:
    """Declare a kind whose handler is elsewhere: `client.submit` and `ctx.call` then know its arguments and result.

    ::

        @declare_kind("price")
        def price(*, item: str, amount: int = 1) -> float:
            raise NotImplementedError

    The function is never called. `declare_json_kind` is for types that JSON itself has.

    Args:
        name: of the kind.

    Raises:
        JobDefinitionError: no field of a JSON object can be a parameter, or JSON has no form for its type.

    """
    return lambda function: DeclaredKind(function, name)
