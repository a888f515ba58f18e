"""The Python client: submit work over a socket, and have its tidings pushed to you."""

from .client import Client
from .client_errors import (
    ClientError,
    ConnectionFailed,
    ConnectionLost,
    JobCancelled,
    JobExpired,
    JobFailed,
    NotWatched,
    ReaderTooSlow,
    StreamIncomplete,
    StreamReset,
)
from .connection.connection_state import ClientState, StateChange
from .connection.credential import CredentialSource
from .handle import Handle
from .protocol.job_event import Event
from .streams.chunk_reader import ChunkReader
from .submit.submit_calls import ClientWithOptions
from .submit.submit_options import SubmitOptions
from .sync.sync_client import SyncClient
from .sync.sync_handle import SyncHandle
from .sync.sync_submit_calls import SyncClientWithOptions

__all__ = [
    "ChunkReader",
    "Client",
    "ClientError",
    "ClientState",
    "ClientWithOptions",
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
    "StreamIncomplete",
    "StreamReset",
    "SubmitOptions",
    "SyncClient",
    "SyncClientWithOptions",
    "SyncHandle",
]
