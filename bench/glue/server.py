"""`python -m bench.glue.server MODULE PORT`: the WebSocket server that one glues to the `queue` of a module."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .queue import GluedQueue
from .relay import OwnChannels, Relay, SharedChannel
from .settings import CONNECTIONS, SHARED_CHANNEL, STORE_URL
from .story import KINDS

SUBPROTOCOL = "tidings.v1.json"

IN_FLIGHT = 1_000
"""Jobs that a server follows at a time; more wait for their ack. Each takes a connection to the store, or more."""


class Glue:
    """The sockets of one server."""

    def __init__(self, queue: GluedQueue, relay: Relay) -> None:
        self._queue = queue
        self._relay = relay
        self._turn = asyncio.Semaphore(IN_FLIGHT)

    async def serve(self, socket: WebSocket) -> None:
        """Follow each job that is submitted, in a task of its own."""
        await socket.accept(subprotocol=SUBPROTOCOL)
        async with asyncio.TaskGroup() as tasks:
            jobs = set()
            try:
                while True:
                    submit = json.loads(await socket.receive_text())
                    job = tasks.create_task(self._follow(socket, submit["ref"], submit["kind"]))
                    jobs.add(job)
                    job.add_done_callback(jobs.discard)
            except WebSocketDisconnect:
                for job in jobs:
                    job.cancel()

    async def _follow(self, socket: WebSocket, ref: int, kind: str) -> None:
        """Queue a job, acknowledge it, and pass on what it tells; never before the ack."""
        if kind not in KINDS:
            await _send(socket, json.dumps({"type": "error", "ref": ref, "problem": {"code": "unknown_kind"}}))
            return
        token = uuid.uuid4().hex
        async with self._turn, self._relay.hear(token) as frames:
            await self._queue.enqueue(kind, token)
            ack = {"type": "ack", "ref": ref, "token": token, "status": "queued", "seq": 1, "duplicate": False}
            await _send(socket, json.dumps(ack))
            async for frame in frames:
                await _send(socket, frame)


async def _send(socket: WebSocket, text: str) -> None:
    """Send to a socket that may have gone: its reader ends the matter."""
    try:
        await socket.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        return


def create_app(queue: GluedQueue) -> Starlette:
    """Return the application around a queue."""
    store = Redis.from_url(STORE_URL, decode_responses=True, max_connections=CONNECTIONS)
    shared = SharedChannel(store)
    glue = Glue(queue, shared if SHARED_CHANNEL else OwnChannels(store))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await queue.open()
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(shared.run()) if SHARED_CHANNEL else None
            yield
            if reader is not None:
                reader.cancel()

    return Starlette(routes=[WebSocketRoute("/", glue.serve)], lifespan=lifespan)


def main(module: str, port: int) -> None:
    """Serve with uvicorn at its fastest."""
    queue: GluedQueue = import_module(module).queue
    uvicorn.run(
        create_app(queue),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
