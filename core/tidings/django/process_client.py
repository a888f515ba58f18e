"""The connection of a process: opened when it is first needed, shared by its threads, and another after a fork."""

import os
from threading import Lock

from tidings.client.sync.sync_client import SyncClient

from .backend_options import BackendOptions

_clients: dict[tuple[int, BackendOptions], SyncClient] = {}
_opening = Lock()


def process_client(options: BackendOptions) -> SyncClient:
    """Return the open client of this process.

    Django makes a back end for each thread; all of them share the connection.

    Raises:
        ConnectionFailed: no server answers, or it does not accept the credential.

    """
    place = (os.getpid(), options)
    with _opening:
        client = _clients.get(place)
        if client is None or client.state == "closed":  # what ended for good, such as a key that was withdrawn
            client = SyncClient(
                options.url, credential=options.credential, wait=options.timeout_s, timeout=options.timeout_s
            )
            client.open()
            _clients[place] = client
        return client


def _after_fork() -> None:
    """Forget what belongs to the parent: a child has no copy of its threads, and its lock may be held for ever."""
    global _opening
    _opening = Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_after_fork)
