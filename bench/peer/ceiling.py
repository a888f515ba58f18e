"""No system at all: a server that answers every submit at once, in one write, and runs nothing.

What the load generator reaches against it is the most it could measure of anything.
"""

import asyncio
import itertools
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import cast

import msgspec
import uvloop

from bench.harness.system import Children, System, answers
from bench.load.wire import SUBPROTOCOL, TEXT, cut_frames
from tidings.process.port import free_port

from . import Peer

STEPS = {"noop": 0, "three_steps": 3, "three_waiting_steps": 3, "flood": 500}
"""How many progress events each kind has."""


class Submit(msgspec.Struct):
    """What is read of a submit."""

    ref: int
    kind: str


_decode = msgspec.json.Decoder(Submit).decode
_numbers = itertools.count()


def reply_to(submit: Submit) -> bytes:
    """Return all that a job of this kind has to say, as WebSocket frames."""
    token = f"ceiling.{next(_numbers):022d}"
    texts = [f'{{"type":"ack","ref":{submit.ref},"token":"{token}","status":"queued","seq":1,"duplicate":false}}']
    names = ["started", *["progress"] * STEPS[submit.kind], "succeeded"]
    texts += [
        f'{{"type":"event","token":"{token}","seq":{seq},"event":"{name}","status":"running",'
        f'"at":"2026-01-01T00:00:00.000000Z","data":{{"fraction":0.33,"message":null,"data":null}}}}'
        for seq, name in enumerate(names, 2)
    ]
    return b"".join(b"\x81\x7e" + len(text).to_bytes(2, "big") + text.encode() for text in texts)


class Ceiling(asyncio.Protocol):
    """One socket. It understands the load generator, and nothing else."""

    def __init__(self) -> None:
        self._rest = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer."""
        assert self._transport is not None
        data = self._rest + data
        if not self._upgraded:
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                self._rest = head
                return
            self._upgraded = True
            self._transport.write(_accept(head))
        frames, self._rest = cut_frames(data)
        for opcode, payload in frames:
            if opcode == TEXT:
                self._transport.write(reply_to(_decode(payload)))


def _accept(head: bytes) -> bytes:
    """Return the answer to an upgrade. Source: RFC 6455, section 4.2.2."""
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    digest = sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\nSec-WebSocket-Protocol: %b\r\n\r\n"
    ) % (b64encode(digest), SUBPROTOCOL.encode())


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Ceiling, "127.0.0.1", port)
    await server.serve_forever()


@contextmanager
def _running() -> Iterator[System]:
    with Children() as children:
        port = free_port()
        children.start("server", [sys.executable, "-m", __name__, str(port)])
        children.wait_until(lambda: answers(port))
        yield children.system(f"ws://127.0.0.1:{port}/")


PEER = Peer("ceiling of the load generator", _running)

if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
