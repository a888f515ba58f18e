"""Jobs as their authors write them: the `job` decorator and what it makes of a function.

::

    @job(timeout=60, retries=3)
    async def count_delays(ctx: Context, carrier: str) -> dict[str, int]: ...

The handler's type hints are the contract of its input. Parameters beside the context are the
fields of the input object; a single parameter that is itself an object (a dataclass, a TypedDict,
a msgspec Struct or a Pydantic model) is the whole input.
"""

import inspect
from collections.abc import Callable
from typing import Any, Final, Generic, Literal, ParamSpec, TypeVar, overload

import msgspec

from tidings.contract.kind import KindRecord

from .shape import InputShape, ResultShape

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_QUEUE: Final = "default"
DEFAULT_TIER: Final = "normal"

MAX_RETRIES: Final = 1000
"""More is a mistake: with back-off a thousand retries take months."""


class JobDefinitionError(TypeError):
    """A function was decorated in a way that cannot work; says which function and why."""


class Job(Generic[P, R]):
    """A kind of work and its handler. Calling it calls the function, for tests and for reuse."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        version: int = 1,
        queue: str = DEFAULT_QUEUE,
        tier: str = DEFAULT_TIER,
        timeout: float | None = None,
        retries: int = 0,
        expose_errors: bool = False,
    ) -> None:
        self.function = function
        self.kind: str = name or function.__name__
        self.version = version
        self.queue = queue
        self.tier = tier
        self.timeout = timeout
        self.retries = retries
        self.expose_errors = expose_errors
        self.mode: Literal["async", "thread"] = "async" if inspect.iscoroutinefunction(function) else "thread"
        self._check()
        self.input = InputShape.of(function, self.kind)
        self.result = ResultShape.of(function)
        self.__doc__ = function.__doc__
        self.__name__ = self.kind
        self.__wrapped__ = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<job {self.kind}>"

    def record(self) -> KindRecord:
        """Return what a worker registers of it.

        Raises:
            JobDefinitionError: name, queue or tier are not of the form the contract allows.

        """
        record = KindRecord(
            kind=self.kind,
            version=self.version,
            queue=self.queue,
            tier=self.tier,
            description=inspect.cleandoc(self.function.__doc__ or "").partition("\n")[0],
            input=msgspec.Raw(msgspec.json.encode(self.input.schema)),
            result=msgspec.Raw(msgspec.json.encode(self.result.schema)),
            timeout=self.timeout,
            retries=self.retries,
        )
        try:
            return msgspec.json.decode(msgspec.json.encode(record), type=KindRecord)
        except msgspec.ValidationError as error:
            raise JobDefinitionError(f"job {self.kind}: {error}") from error

    def _check(self) -> None:
        where = f"job {self.kind}"
        if inspect.isclass(self.function) or not inspect.isroutine(self.function):
            raise JobDefinitionError(f"{where}: only functions can be jobs")
        if inspect.isasyncgenfunction(self.function) or inspect.isgeneratorfunction(self.function):
            raise JobDefinitionError(f"{where}: a handler must not be a generator; use ctx.log for chunks")
        if self.timeout is not None and not 0 < self.timeout <= 31_536_000:
            raise JobDefinitionError(f"{where}: timeout is {self.timeout} s; allowed: above 0, at most a year")
        if not 0 <= self.retries <= MAX_RETRIES:
            raise JobDefinitionError(f"{where}: retries is {self.retries}; it must be 0 to {MAX_RETRIES}")


@overload
def job(function: Callable[P, R], /) -> Job[P, R]: ...


@overload
def job(
    *,
    name: str | None = None,
    version: int = 1,
    queue: str = DEFAULT_QUEUE,
    tier: str = DEFAULT_TIER,
    timeout: float | None = None,
    retries: int = 0,
    expose_errors: bool = False,
) -> Callable[[Callable[P, R]], Job[P, R]]: ...


def job(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a job that workers can run.

    Args:
        function: the handler: `async def` runs in the worker's event loop, `def` in a thread.
        name: the kind under which it is registered; default: the function's name.
        version: the version of its input, from 1.
        queue: where its jobs wait; all workers of one queue must serve the same kinds.
        tier: a class of work inside the queue.
        timeout: seconds one attempt may take; None: as long as the job's deadline allows.
        retries: how often a failed attempt is repeated, 0 to 1000.
        expose_errors: whether clients see the message of an exception that the handler raises.

    Raises:
        JobDefinitionError: the function or an option cannot work.

    """
    if function is not None:
        return Job(function)
    return lambda function: Job(function, **options)
