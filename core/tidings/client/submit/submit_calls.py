"""`submit`, by the name of a kind or by its `@job`, whose arguments and result type checkers then know."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ParamSpec, TypeVar, overload

from tidings.client.handle import Handle
from tidings.kind import Kind
from tidings.protocol.grants import GrantRequest

from .client_submission import UNSET, ClientSubmission, checked_options, submission_of
from .submit_options import SubmitOptions

P = ParamSpec("P")
R = TypeVar("R")


class SubmitCalls(ABC):
    """What has `submit`: the client, and the client with options."""

    @abstractmethod
    async def send(self, submission: ClientSubmission) -> Handle[Any]:
        """Submit what `submit` made of its arguments."""

    @overload
    async def submit(self, job: Kind[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...

    @overload
    async def submit(
        self,
        kind: str,
        input: Mapping[str, Any] | Any = None,
        /,
        *,
        options: SubmitOptions | None = None,
        watch: bool | None = None,
        grant: bool | GrantRequest | None = None,
        owner: str | None = None,
        **fields: Any,
    ) -> Handle[Any]: ...

    async def submit(
        self,
        kind: Any,
        /,
        *args: Any,
        options: Any = UNSET,
        watch: Any = UNSET,
        grant: Any = UNSET,
        owner: Any = UNSET,
        **fields: Any,
    ) -> Handle[Any]:
        """Submit work, and return its handle when the server has acked it.

        By a `@job`: `submit(price, item="tea")` takes what the handler takes, without its context, and the handle's
        result is of the handler's type. What the caller does not give is not sent, so that the worker's default counts.
        Options go before it: `client.with_options(SubmitOptions(delay=60)).submit(price, item="tea")`.

        By the name of a kind: `submit("price", {"item": "tea"}, options=SubmitOptions(delay=60))` or
        `submit("price", item="tea")`; nothing is known of its arguments and its result.

        While there is no connection, or as many submits are in flight as the server allows, it waits.

        Args:
            kind: what to do: a `@job`, or the name of a kind.
            args: for a `@job` its arguments; one mapping alone is the whole input. For a name the input: a mapping,
                Struct, dataclass or Pydantic model; none: the keyword arguments are it.
            options: (by name) key, delay, deadline and the like.
            watch: (by name) whether the handle follows the job; None: as `options` say, by default it does. One that
                does not has no events and no result.
            grant: (by name) whether the ack brings a grant (`Handle.grant`), whose bearer may follow the job.
            owner: (by name) for whom the job is, who then owns it; wants the scope `delegate`. The handle follows such
                a job only by a grant.
            fields: more arguments of the `@job`, or the fields of the input. One that has the name of an option is
                given in a mapping, as the input, where `kind` is a name.

        Raises:
            ProblemError: it was refused, by the server, or here as none could read it; `problem` says why.
            TypeError: the `@job` takes no such arguments; the input has no form in JSON; or fields and options are
                mixed.
            ConnectionLost: the connection was closed for good, or this client was not opened.

        """
        return await self.send(
            submission_of(kind, args, {"options": options, "watch": watch, "grant": grant, "owner": owner}, fields)
        )

    def with_options(self, options: SubmitOptions) -> "ClientWithOptions":
        """Return what submits with these options: `with_options(…).submit(job, …)`.

        Raises:
            TypeError: they are no `SubmitOptions`.

        """
        return ClientWithOptions(self, options)


class ClientWithOptions(SubmitCalls):
    """A client whose submits have options. Made by `Client.with_options`; it may be kept, and used many times."""

    def __init__(self, client: SubmitCalls, options: SubmitOptions) -> None:
        self._client = client
        self._options = checked_options(options)

    async def send(self, submission: ClientSubmission) -> Handle[Any]:
        """Submit with the options, unless the call by name had its own, which replace all of these."""
        return await self._client.send(submission.with_default(self._options))
