"""The last word of a handler that is a generator."""

from typing import Any, Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)


class Result(Generic[R_co]):
    """What a generator yields last, where the job's result is something else than all that it said.

    ::

        @job
        async def answer(ctx: Context, question: str) -> AsyncIterator[str | Result[Usage]]:
            async for token in model.stream(question):
                yield token
            yield Result(model.usage)
    """

    __slots__ = ("value",)

    def __init__(self, value: R_co) -> None:
        """Wrap the result: any value for which JSON has a form."""
        self.value: R_co = value
        """The job's result."""

    def __repr__(self) -> str:
        return f"Result({self.value!r})"


def is_result(item: Any) -> bool:
    """Return whether a generator's item is its result."""
    return isinstance(item, Result)
