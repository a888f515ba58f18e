"""Kinds that are declared without their handler: for programs that submit jobs, but do not have the workers' code."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from .call_arguments import CallArguments
from .handler_schema import InputSchema, ResultSchema
from .job import JobDefinitionError
from .kind import Kind

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


def declare_kind(name: str) -> Callable[[Callable[P, R]], Kind[P, R]]:
    """Declare a kind whose handler is elsewhere: `client.submit` and `ctx.call` then know its arguments and result.

    ::

        @declare_kind("price")
        def price(*, item: str, amount: int = 1) -> float:
            raise NotImplementedError

    The function is never called. `tidings types --py` writes such functions for all kinds of a server.

    Args:
        name: of the kind.

    Raises:
        JobDefinitionError: no field of a JSON object can be a parameter, or JSON has no form for its type.

    """
    return lambda function: DeclaredKind(function, name)
