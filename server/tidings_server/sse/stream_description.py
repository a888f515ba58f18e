"""One open stream of server-sent events, as operators see it."""

import time

from tidings.protocol.frames.admin_messages import Connection
from tidings_server.web.send.send_buffer import COALESCE_BYTES

from .event_stream import EventStream


class StreamDescription:
    """One open stream of server-sent events."""

    def __init__(self, stream: EventStream, caller: str, address: str) -> None:
        self._stream = stream
        self._caller = caller
        self._address = address
        self._since = time.time()

    def describe(self) -> Connection:
        """Return what operators are shown of it."""
        waiting = self._stream.waiting_bytes
        return Connection(
            connection=f"stream-{id(self):x}",
            caller=self._caller,
            address=self._address,
            kind="stream",
            since=int(self._since * 1000),
            watches=max(self._stream.live, 0),
            waiting_bytes=waiting,
            slow=waiting > COALESCE_BYTES,
        )
