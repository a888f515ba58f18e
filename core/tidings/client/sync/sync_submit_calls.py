"""`submit` of the client without `await`, by the name of a kind or by its `@job`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ParamSpec, TypeVar, overload

from tidings.client.submit.client_submission import UNSET, ClientSubmission, checked_options, submission_of
from tidings.client.submit.submit_options import SubmitOptions
from tidings.kind import Kind
from tidings.protocol.grants import GrantRequest

from .sync_handle import SyncHandle

P = ParamSpec("P")
R = TypeVar("R")


class SyncSubmitCalls(ABC):
    """What has `submit`: the client, and the client with options."""

    @abstractmethod
    def send(self, submission: ClientSubmission) -> SyncHandle[Any]:
        """Submit what `submit` made of its arguments."""

    @overload
    def submit(self, job: Kind[P, R], /, *args: P.args, **kwargs: P.kwargs) -> SyncHandle[R]: ...

    @overload
    def submit(
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
    ) -> SyncHandle[Any]: ...

    def submit(
        self,
        kind: Any,
        /,
        *args: Any,
        options: Any = UNSET,
        watch: Any = UNSET,
        grant: Any = UNSET,
        owner: Any = UNSET,
        **fields: Any,
    ) -> SyncHandle[Any]:
        """Submit work, and return its handle when the server has acked it.

        Args:
            kind: as for `Client.submit`, like the others.
            args: for a `@job` its arguments, for a name the input.
            options: (by name) key, delay, deadline and the like.
            watch: (by name) whether the handle follows the job.
            grant: (by name) whether the ack brings a grant (`Handle.grant`), whose bearer may follow the job.
            owner: (by name) for whom the job is, who then owns it; wants the scope `delegate`. The handle follows such
                a job only by a grant.
            fields: more arguments of the `@job`, or the fields of the input.

        Raises:
            ProblemError: it was refused; `problem` says why.
            TypeError: the `@job` takes no such arguments; the input has no form in JSON; or fields and options are
                mixed.
            ConnectionLost: the connection was closed for good, or this client was not opened.
            TimeoutError: no answer came in time. It may have been taken: to be sure, submit again with the
                `key` you gave.

        """
        return self.send(
            submission_of(kind, args, {"options": options, "watch": watch, "grant": grant, "owner": owner}, fields)
        )

    def with_options(self, options: SubmitOptions) -> "SyncClientWithOptions":
        """Return what submits with these options: `with_options(…).submit(job, …)`.

        Raises:
            TypeError: they are no `SubmitOptions`.

        """
        return SyncClientWithOptions(self, options)


class SyncClientWithOptions(SyncSubmitCalls):
    """A client whose submits have options. Made by `SyncClient.with_options`; it may be kept, and used many times."""

    def __init__(self, client: SyncSubmitCalls, options: SubmitOptions) -> None:
        self._client = client
        self._options = checked_options(options)

    def send(self, submission: ClientSubmission) -> SyncHandle[Any]:
        """Submit with the options, unless the call by name had its own, which replace all of these."""
        return self._client.send(submission.with_default(self._options))
