"""What the client raises.

::

    ClientError
    ├── ConnectionFailed   there was no connection to begin with
    ├── ConnectionLost     the connection was closed for good, by the server or by this client
    ├── NotWatched         the job is not followed here, so there are neither events nor a result
    ├── ReaderTooSlow      an iterator was left unread for so long that events would have been skipped
    ├── StreamReset        a later attempt starts a stream again, and chunks that a reader has given are void
    ├── StreamIncomplete      a job has ended, and chunks of a stream may be missing here
    ├── JobCancelled       the job was cancelled, so there is no result
    └── JobExpired         the job's deadline passed, so there is no result
    ProblemError           (tidings.protocol.problems) what was asked was refused
    └── JobFailed          the job failed; `problem` says why
"""

from tidings.protocol.problems import ProblemError


class ClientError(Exception):
    """Base of what the client raises by itself."""


class ConnectionFailed(ClientError):  # noqa: N818 - a statement of fact
    """The server could not be reached, or did not accept the credential."""


class ConnectionLost(ClientError):  # noqa: N818
    """The connection was closed for good; what was going on at the server goes on."""


class NotWatched(ClientError):  # noqa: N818
    """The job is not followed here: it was submitted with `watch=False`, or its handle was closed."""

    def __init__(self, token: str) -> None:
        self.token = token
        """The job."""
        super().__init__(f"{token} is not followed by this handle; watch({token!r}) follows it, from its first event")


class ReaderTooSlow(ClientError):  # noqa: N818
    """More events wait than are kept; `watch(token, after)` asks the server for the log again."""

    def __init__(self, token: str, after: int) -> None:
        self.token = token
        """The job."""
        self.after = after
        """Number of the last event that the iterator yielded."""
        super().__init__(
            f"events of {token} after number {after} were not read in time, and are not kept here; "
            f"watch({token!r}, after={after}) asks the server for the log again"
        )


class StreamReset(ClientError):  # noqa: N818
    """A later attempt starts the stream again: of the chunks that the reader has given, only the first `keep` stay."""

    def __init__(self, name: str, keep: int, attempt: int) -> None:
        self.name = name
        """The stream's name."""
        self.keep = keep
        """How many of the chunks that were read stay."""
        self.attempt = attempt
        """The later attempt."""
        super().__init__(
            f"attempt {attempt} starts the stream {name!r} again: the first {keep} chunks stay; read on for the rest"
        )


class StreamIncomplete(ClientError):  # noqa: N818
    """The job has ended, and chunks of the stream may be missing: servers of an earlier release know no streams."""

    def __init__(self, name: str) -> None:
        self.name = name
        """The stream's name."""
        super().__init__(
            f"chunks of the stream {name!r} may be missing: a server answered that does not know streams; watch "
            "the job again"
        )


class JobCancelled(ClientError):  # noqa: N818
    """The job was cancelled."""


class JobExpired(ClientError):  # noqa: N818
    """The job's deadline passed before it finished."""


class JobFailed(ProblemError):  # noqa: N818
    """The job failed; `problem` says why."""
