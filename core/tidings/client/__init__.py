"""The Python client: submit work over a socket, and have its tidings pushed to you."""

from .client import Client
from .credential import CredentialSource
from .error import (
    ClientError,
    ConnectionFailed,
    ConnectionLost,
    JobCancelled,
    JobExpired,
    JobFailed,
    NotWatched,
    ReaderTooSlow,
)
from .event import Event
from .handle import Handle
from .option import SubmitOptions
from .state import ClientState, StateChange
from .sync import SyncClient, SyncHandle

__all__ = [
    "Client",
    "ClientError",
    "ClientState",
    "ConnectionFailed",
    "ConnectionLost",
    "CredentialSource",
    "Event",
    "Handle",
    "JobCancelled",
    "JobExpired",
    "JobFailed",
    "NotWatched",
    "ReaderTooSlow",
    "StateChange",
    "SubmitOptions",
    "SyncClient",
    "SyncHandle",
]
