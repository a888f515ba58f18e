"""A kind of work as its callers see it. It imports nothing of ours, so that contexts and clients may stand on it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Kind(ABC, Generic[P, R]):
    """A kind of work: P are the arguments that its callers give, R is the result that they get.

    A `@job` is one, with its handler; `declare_kind` makes one whose handler is elsewhere.
    """

    kind: str
    """Its name."""

    @abstractmethod
    def input_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the input for the arguments of a call.

        Raises:
            TypeError: the kind takes no such arguments.

        """

    @abstractmethod
    def takes(self, name: str) -> bool:
        """Return whether an argument has this name."""

    @abstractmethod
    def result_of(self, found: Any) -> Any:
        """Return a result that came as JSON (dicts, lists and the like) as a value of R.

        Raises:
            msgspec.ValidationError: it is none.

        """
