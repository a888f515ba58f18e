"""What the client raises.

::

    ClientError
    ├── ConnectionFailed   the server could not be reached at all
    ├── ConnectionLost     the server closed the socket for good, or the client was closed
    ├── JobCancelled       the job was cancelled, so there is no result
    └── JobExpired         the job's deadline passed, so there is no result
    ProblemError           (tidings.contract.problem) what was asked was refused
    └── JobFailed          the job failed; `problem` says why
"""

from tidings.contract.problem import ProblemError


class ClientError(Exception):
    """Base of what the client raises by itself."""


class ConnectionFailed(ClientError):  # noqa: N818 - a statement of fact
    """The server could not be reached."""


class ConnectionLost(ClientError):  # noqa: N818
    """The socket was closed for good; what was going on at the server goes on."""


class JobCancelled(ClientError):  # noqa: N818
    """The job was cancelled."""


class JobExpired(ClientError):  # noqa: N818
    """The job's deadline passed before it finished."""


class JobFailed(ProblemError):  # noqa: N818
    """The job failed; `problem` says why."""
