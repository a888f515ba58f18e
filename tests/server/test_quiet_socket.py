"""What a socket holds between two messages: neither its handshake nor a parser."""

import asyncio
import gc
import weakref
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from tidings_server.settings import ServerSettings
from tidings_server.web.uvicorn_config import ServerConfig
from tidings_server.websocket.direct_transport import DirectTransport
from tidings_server.websocket.transport import TransportOwner
from tidings_server.websocket.uvicorn_protocol import TAKE_OVER_EXTENSION, SocketProtocol

HANDSHAKE = (
    b"GET /v1/socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT = Frame(Opcode.TEXT, b"a text").serialize(mask=True)


class Connection(asyncio.Transport):
    """A connection that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def resume_reading(self) -> None:
        """Nothing is read from it."""


class Owner:
    """Takes a socket over, and keeps what comes."""

    def __init__(self) -> None:
        self.session = SimpleNamespace(
            send_buffer=SimpleNamespace(items=()), close_code=None, auth_state=SimpleNamespace(known=True)
        )
        self.texts: list[str | bytes] = []
        self.controls = 0

    def open(self, transport: DirectTransport) -> None:
        self.transport = transport

    def received(self, data: str | bytes | bytearray, *, binary: bool = False) -> None:
        self.texts.append(data if isinstance(data, str) else bytes(data) if binary else data.decode())

    def controlled(self) -> None:
        self.controls += 1

    def lost(self) -> None:
        """End."""


class Stage:
    """A socket that has been taken over."""

    def __init__(self) -> None:
        self.owner = Owner()
        config = ServerConfig(self._serve, ws_max_size=1_000, lifespan="off", log_config=None, interface="asgi3")
        config.ours = ServerSettings()
        config.load()
        self.connection = Connection()
        self.protocol = SocketProtocol(config, ServerState(), {})
        self.protocol.connection_made(self.connection)
        self.parser = weakref.ref(self.protocol.conn)
        self.protocol.data_received(HANDSHAKE)
        self.request = weakref.ref(self.protocol.request)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        scope["extensions"][TAKE_OVER_EXTENSION](cast("TransportOwner", self.owner))

    async def taken_over(self) -> None:
        await asyncio.gather(*self.protocol.tasks)
        gc.collect()
        self.connection.written = b""

    @property
    def holds_a_parser(self) -> bool:
        return "conn" in vars(self.protocol)


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.taken_over()
    return stage


async def test_a_quiet_socket_holds_neither_its_handshake_nor_a_parser(stage: Stage) -> None:
    assert stage.parser() is None
    assert stage.request() is None
    stage.protocol.data_received(TEXT + Frame(Opcode.PONG, b"").serialize(mask=True) + TEXT)
    assert (stage.owner.texts, stage.owner.controls) == (["a text"] * 2, 1)
    assert not stage.holds_a_parser


async def test_what_comes_in_pieces_is_parsed_and_the_parser_let_go_of_at_its_end(stage: Stage) -> None:
    for byte in (TEXT[at : at + 1] for at in range(len(TEXT))):
        assert stage.owner.texts == []
        stage.protocol.data_received(byte)
    assert stage.owner.texts == ["a text"]
    assert not stage.holds_a_parser


async def test_between_two_fragments_of_a_message_the_parser_is_kept(stage: Stage) -> None:
    stage.protocol.data_received(Frame(Opcode.TEXT, b"a ", fin=False).serialize(mask=True))
    assert stage.holds_a_parser
    stage.protocol.data_received(Frame(Opcode.PING, b"?").serialize(mask=True))
    assert stage.holds_a_parser
    stage.protocol.data_received(Frame(Opcode.CONT, b"text").serialize(mask=True) + TEXT)
    assert stage.owner.texts == ["a text"] * 2
    assert stage.connection.written == Frame(Opcode.PONG, b"?").serialize(mask=False)
    assert not stage.holds_a_parser


async def test_behind_a_message_that_ends_the_socket_nothing_is_read(stage: Stage) -> None:
    stage.protocol.data_received(Frame(Opcode.TEXT, b"\xff").serialize(mask=True) + TEXT)
    assert stage.owner.texts == []
    assert stage.protocol.conn.state is State.CLOSING
    assert stage.connection.written.startswith(b"\x88")
    assert stage.protocol.close_timer is not None
    stage.protocol.close_timer.cancel()


async def test_a_large_text_in_pieces_needs_no_parser_and_what_surrounds_it_is_read(stage: Stage) -> None:
    stage.protocol.config.ws_max_size = 200_000
    large, other = "x" * 100_000, "é" * 50_000
    data = TEXT + b"".join(Frame(Opcode.TEXT, one.encode()).serialize(mask=True) for one in (large, other)) + TEXT
    for at in range(0, len(data), 30_001):
        stage.protocol.data_received(data[at : at + 30_001])
        assert not stage.holds_a_parser
    assert stage.owner.texts == ["a text", large, other, "a text"]


async def test_a_large_text_whose_rest_comes_after_a_close_is_not_read(stage: Stage) -> None:
    stage.protocol.config.ws_max_size = 200_000
    data = Frame(Opcode.TEXT, b"x" * 100_000).serialize(mask=True)
    stage.protocol.data_received(data[:70_000])
    stage.owner.session.close_code = 1001
    stage.owner.transport.flush()
    await asyncio.sleep(0)
    stage.protocol.data_received(data[70_000:] + Frame(Opcode.CLOSE, b"\x03\xe9").serialize(mask=True))
    assert stage.owner.texts == []
    assert stage.protocol.conn.close_rcvd is not None


async def test_a_large_text_that_is_no_text_ends_the_socket(stage: Stage) -> None:
    stage.protocol.config.ws_max_size = 200_000
    data = Frame(Opcode.TEXT, b"\xff" + b"x" * 100_000).serialize(mask=True) + TEXT
    stage.protocol.data_received(data[:70_000])
    stage.protocol.data_received(data[70_000:])
    assert stage.owner.texts == []
    assert stage.connection.written[2:4] == (1007).to_bytes(2)
    assert stage.protocol.close_timer is not None
    stage.protocol.close_timer.cancel()


@pytest.mark.parametrize("size", [1_001, 70_000])
async def test_a_message_that_is_too_large_ends_the_socket(stage: Stage, size: int) -> None:
    stage.protocol.data_received(Frame(Opcode.TEXT, b"x" * size).serialize(mask=True) + TEXT)
    assert stage.owner.texts == []
    assert stage.connection.written[2:4] == (1009).to_bytes(2)
    assert stage.protocol.close_timer is not None
    stage.protocol.close_timer.cancel()
