"""The Python client: submit work over a socket, and have its tidings pushed to you."""

from .client import Client, ClientState
from .error import ClientError, ConnectionFailed, ConnectionLost, JobCancelled, JobExpired, JobFailed
from .handle import Handle
from .ledger import Event
from .option import SubmitOptions

__all__ = [
    "Client",
    "ClientError",
    "ClientState",
    "ConnectionFailed",
    "ConnectionLost",
    "Event",
    "Handle",
    "JobCancelled",
    "JobExpired",
    "JobFailed",
    "SubmitOptions",
]
