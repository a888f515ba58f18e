"""The answer to a request for a message: its parts as server-sent events, as the AI SDK reads them.

The SDK takes an answer that ends for a message that is whole. So where it is not (the server drains, the reader is too
slow, its credential has ended), the connection is cut: then the page knows, and resumes.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
"""

import time
from collections.abc import Awaitable, Callable, Iterable

import anyio
import structlog
from starlette.types import Receive, Scope, Send

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.events import EventClass
from tidings.protocol.problems import Problem, ProblemError
from tidings_server.auth.identity import Identity
from tidings_server.settings import ServerSettings
from tidings_server.sse.event_stream import HEARTBEAT, EventStream, happens
from tidings_server.watch.job_listener import JobListener
from tidings_server.web.uvicorn_config import CUT_EXTENSION

VERSION_HEADER = ("x-vercel-ai-ui-message-stream", "v1")

DONE = "[DONE]"
"""What follows the last part."""

_limited = LogLimiter(structlog.get_logger())


class ConnectionCutError(Exception):
    """Ends an answer that is not whole, under an ASGI server that offers no other way to cut a connection."""


class ChatStream(EventStream):
    """One client's answer: what waits to be sent of a message."""

    needs_task = True

    def __init__(self, settings: ServerSettings, identity: Identity) -> None:
        """Prepare; called as an ASGI application it answers."""
        super().__init__(settings, identity)
        self.headers["cache-control"] = "no-cache, no-store, no-transform"
        self.headers[VERSION_HEADER[0]] = VERSION_HEADER[1]
        self.complete = False
        """Whether the end of the message has been written."""
        self.join_again: Callable[[], Awaitable[None]] | None = None
        """What has the listener take the message again from its first part; it is called by the answer's own task."""
        self.stale = False
        """Whether it must be called."""
        self._cut: Callable[[], None] = _raise_cut

    def say(self, parts: Iterable[str]) -> None:
        """Write parts, as JSON texts."""
        text = "".join([f"data: {part}\n\n" for part in parts])
        if text:
            self.write("", EventClass.LOG, text)

    def end(self) -> None:
        """Write the end."""
        self.complete = True
        self.say((DONE,))

    def wake(self) -> None:
        """Have the answer look again at what it is to do."""
        self._news.set()

    def tell(self, listener: JobListener, problem: Problem) -> None:
        """Say nothing of grants: the protocol has no part for it, and the end of one cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the message until it has ended or the client has gone."""
        self._cut = scope.get("extensions", {}).get(CUT_EXTENSION, _raise_cut)
        await super().__call__(scope, receive, send)

    async def _write_all(self, send: Send) -> None:
        await self._send_all(send, self.history)
        self.told()
        while not self.too_slow and not self._identity.expired():
            granted_s = self._watch_grants()
            if self.stale and not await self._joined_again():
                break
            await self._send_all(send, self._send_buffer)
            left = min(self._ends_at - time.monotonic(), self._identity.left(), granted_s)
            if self.complete or self.live <= 0 or self.leaving or left <= 0:
                break
            self._news.clear()
            if not await happens(self._news, min(left, self._settings.sse_heartbeat_s)):
                await self._send(send, HEARTBEAT)
        if self.complete and not self.too_slow and not self.send_buffer:
            await self._send(send, "", more=False)
            return
        self._cut()
        with anyio.move_on_after(self._settings.write_timeout_s):  # until the reader finds the connection gone
            await anyio.sleep_forever()

    async def _joined_again(self) -> bool:
        """Have the message taken again; return whether the answer can go on."""
        self.stale = False
        assert self.join_again is not None
        try:
            await self.join_again()
        except ProblemError as error:
            _limited.info("chat_cut", code=error.problem.code, detail=error.problem.detail)
            return False
        return not self.leaving


def _raise_cut() -> None:
    raise ConnectionCutError("the message is not whole: the connection is cut, so that the client notices")
