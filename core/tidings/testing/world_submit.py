"""`submit` of a world: by the name of a kind or by its `@job`, as the client has it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ParamSpec, TypeVar, overload

import msgspec

from tidings.client.submit.client_submission import ClientSubmission, checked_options, submission_of
from tidings.client.submit.submit_options import SubmitOptions
from tidings.kind import Kind

from .world_job import WorldJob

P = ParamSpec("P")
R = TypeVar("R")


class WorldSubmitCalls(ABC):
    """What has `submit`: a world, and a world with options."""

    @abstractmethod
    async def send(self, submission: ClientSubmission) -> WorldJob[Any]:
        """Submit what `submit` made of its arguments."""

    @overload
    async def submit(self, job: Kind[P, R], /, *args: P.args, **kwargs: P.kwargs) -> WorldJob[R]: ...

    @overload
    async def submit(
        self,
        kind: str,
        input: Mapping[str, Any] | Any = None,
        /,
        *,
        options: SubmitOptions | None = None,
        **fields: Any,
    ) -> WorldJob[Any]: ...

    async def submit(self, kind: Any, /, *args: Any, options: Any = msgspec.UNSET, **fields: Any) -> WorldJob[Any]:
        """Submit a job, as `Client.submit` does, and do what can be done at this moment.

        Args:
            kind: what to do: a `@job`, or the name of a kind.
            args: for a `@job` its arguments; one mapping alone is the whole input. For a name the input.
            options: (by name) key, delay, deadline and the like; for a `@job` they go before it:
                `world.with_options(SubmitOptions(delay=60)).submit(price, item="tea")`.
            fields: more arguments of the `@job`, or the fields of the input.

        Raises:
            ProblemError: the server refuses it; `problem` says why.
            TypeError: the `@job` takes no such arguments; the input has no form in JSON; or fields and options are
                mixed.

        """
        return await self.send(submission_of(kind, args, {"options": options}, fields))

    def with_options(self, options: SubmitOptions) -> "WorldWithOptions":
        """Return what submits with these options: `with_options(…).submit(job, …)`.

        Raises:
            TypeError: they are no `SubmitOptions`.

        """
        return WorldWithOptions(self, options)


class WorldWithOptions(WorldSubmitCalls):
    """A world whose submits have options. Made by `World.with_options`."""

    def __init__(self, world: WorldSubmitCalls, options: SubmitOptions) -> None:
        self._world = world
        self._options = checked_options(options)

    async def send(self, submission: ClientSubmission) -> WorldJob[Any]:
        """Submit with the options, unless the call by name had its own, which replace all of these."""
        return await self._world.send(submission.with_default(self._options))
