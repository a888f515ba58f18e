"""Hostile clients of the HTTP protocol itself: bodies and trailers without an end, offers, more than one may open."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from support.system import System, running_system, system_fixture
from support.wire.raw import Raw, raw

WITHIN_S = "1"


system = system_fixture(TIDINGS_REQUEST_WITHIN_S=WITHIN_S, TIDINGS_MAX_BATCH_BYTES="200000")


JOB = b'{"kind":"echo","input":{"text":"a"}}'


def post(*headers: bytes, body: bytes = JOB, path: bytes = b"/v1/jobs") -> bytes:
    """Return a request with a body of known length."""
    lines = [b"POST %b HTTP/1.1" % path, b"Host: localhost", b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


def chunked(*headers: bytes, path: bytes = b"/v1/jobs") -> bytes:
    """Return a request whose body has come, but for what follows its last chunk."""
    lines = [b"POST %b HTTP/1.1" % path, b"Host: localhost", b"Transfer-Encoding: chunked", *headers, b""]
    return b"\r\n".join([*lines, b"%x" % len(JOB), JOB, b"0", b""])


async def answer(connection: Raw) -> tuple[int, bytes, dict[str, object]]:
    """Return status, head and body of the next answer on a connection."""
    head = await connection.read_head()
    size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    body = await connection.read_exactly(size)
    return int(head.split()[1]), head, json.loads(body) if body.startswith(b"{") else {"text": body.decode()}


async def healthy(system: System) -> None:
    async with raw(system.server.url) as other:
        await other.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await answer(other))[0] == 200


# Offers of other protocols.

H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")


@pytest.mark.parametrize(
    "offer",
    [
        pytest.param(H2C, id="h2c"),
        pytest.param((b"Connection: upgrade", b"Upgrade: foo"), id="foo"),
        pytest.param((b"Connection: Upgrade", b"Connection: HTTP2-Settings", b"Upgrade: h2c"), id="two lines"),
        pytest.param((b"Upgrade: websocket", b"Connection: Upgrade"), id="a WebSocket by POST"),
        pytest.param((b"Upgrade: h2c, websocket", b"Connection: keep-alive, Upgrade"), id="several"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 9, 1_000])
async def test_a_post_that_offers_another_protocol_keeps_its_body(
    system: System, offer: tuple[bytes, ...], pieces: int
) -> None:
    sent = post(*offer) + post(body=b"{", path=b"/v1/jobs")
    size = -(-len(sent) // pieces)
    async with raw(system.server.url) as client:
        for start in range(0, len(sent), size):
            await client.write(sent[start : start + size])
        status, head, ack = await answer(client)
        assert (status, ack["status"]) == (202, "queued")
        assert b"upgrade" not in head.lower()
        status, _, _ = await answer(client)  # what follows on the same connection is another request
        assert status == 400


async def test_a_chunked_post_that_offers_another_protocol_keeps_its_body(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(chunked(*H2C) + b"\r\n")
        assert (await answer(client))[0] == 202


async def test_a_get_that_offers_another_protocol_is_answered_and_the_connection_goes_on(system: System) -> None:
    async with raw(system.server.url) as client:
        for _ in range(2):
            await client.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"\r\n".join(H2C) + b"\r\n\r\n")
            assert (await answer(client))[0] == 200


async def test_a_tunnel_is_refused(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await answer(client))[0] == 501


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([b"A%d: b" % number for number in range(140)], b"431", id="many headers"),
        pytest.param([b"A: " + b"b" * 9_000], b"431", id="a long header"),
        pytest.param([b"Sec-WebSocket-Version: 12"], b"4", id="two versions"),
    ],
)
async def test_a_handshake_that_the_sockets_own_parser_does_not_take_is_answered(
    system: System, headers: list[bytes], status: bytes
) -> None:
    lines = [
        b"GET /v1/socket HTTP/1.1",
        b"Host: localhost",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
        *headers,
    ]
    async with raw(system.server.url) as client:
        await client.write(b"\r\n".join([*lines, b"", b""]))
        assert (await client.read_all()).startswith(b"HTTP/1.1 " + status)


# Trailers.


async def test_a_trailer_is_dropped_and_never_taken_for_a_header(system: System) -> None:
    async with raw(system.server.url) as client:
        for _ in range(2):
            await client.write(chunked() + b"Idempotency-Key: k\r\nX-Forwarded-For: 1.2.3.4\r\nHost: evil\r\n\r\n")
            status, _, ack = await answer(client)
            assert (status, ack["duplicate"]) == (202, False)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(chunked(), b"a:b\r\n" * 2_000, id="many fields"),
        pytest.param(chunked() + b"a: ", b"b" * 10_000, id="one field without an end"),
        pytest.param(chunked()[:-3] + b"5;a=", b"b" * 10_000, id="an extension of a chunk without an end"),
        pytest.param(chunked(path=b"/healthz"), b"a:b\r\n" * 2_000, id="after the answer"),
    ],
)
async def test_a_trailer_without_an_end_is_cut_off(system: System, begin: bytes, piece: bytes) -> None:
    async with raw(system.server.url) as client:
        await client.write(begin)
        said = b""
        try:
            for _ in range(400):
                await client.write(piece)
                said += await client.read_some(0.001)
                if client.ended or b"HTTP/1.1 431" in said:
                    break
            else:
                pytest.fail("4 MB of a trailer were taken")
        except ConnectionError:
            pass
    await healthy(system)


async def test_a_trailer_that_does_not_come_is_not_waited_for(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(chunked() + b"a: b\r\n")
        assert b"did not come within 1 s" in await client.read_all()


# Bodies.


ROUTES = [
    (b"GET", b"/healthz"),
    (b"GET", b"/"),
    (b"GET", b"/v1/kinds"),
    (b"POST", b"/healthz"),
    (b"POST", b"/nowhere"),
    (b"POST", b"/v1/tickets"),
    (b"POST", b"/v1/jobs"),
    (b"POST", b"/v1/jobs/none/signals/s"),
    (b"DELETE", b"/v1/jobs/none"),
]


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_drips_has_an_end_whatever_the_route_does_with_it(system: System, length: bytes) -> None:
    drop = b"1\r\nx\r\n" if b"chunked" in length else b"x"

    async def drip_to(method: bytes, path: bytes) -> None:
        async with raw(system.server.url) as client:
            await client.write(b"%b %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % (method, path, length))
            await drip(client, drop)

    async with anyio.create_task_group() as tasks:  # beside each other: each takes its time
        for method, path in ROUTES:
            tasks.start_soon(drip_to, method, path, name=f"{method.decode()} {path.decode()}")


async def test_empty_lines_between_requests_do_not_keep_a_connection(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await drip(client, b"\r\n")


async def drip(client: Raw, drop: bytes) -> None:
    """Send a little now and then until the connection is ended; fail if it is not within a multiple of its time."""
    for _ in range(100):
        try:
            await client.write(drop)
            await client.read_some(0.1)
        except ConnectionError:
            return
        if client.ended:
            return
    pytest.fail("the connection was kept for ten times what a request may take")


async def test_what_is_sent_after_the_answer_is_dropped_and_then_cut_off(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        assert (await answer(client))[0] == 404
        for _ in range(2_000):
            try:
                await client.write(b"x" * 10_000)
                await client.read_some(0.001)
            except ConnectionError:
                return
            if client.ended:
                return
    pytest.fail("20 MB were taken after the answer")


async def test_a_whole_body_after_the_answer_leaves_the_connection_usable(system: System) -> None:
    async with raw(system.server.url) as client:
        for _ in range(2):
            await client.write(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n")
            assert (await answer(client))[0] == 404
            await client.write(b"x" * 50_000)
        await client.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await answer(client))[0] == 200


# Requests behind each other.


async def test_a_flood_of_requests_on_one_connection_ends_with_the_answer_that_is_under_way(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5_000)
        said = await client.read_all()
    assert said.count(b"200 OK") <= 100
    assert b"429" not in said
    await healthy(system)


async def test_what_is_no_request_behind_one_does_not_end_up_in_its_answer(system: System) -> None:
    async with raw(system.server.url) as client:
        await client.write(post(b"Prefer: wait=10", body=b'{"kind":"noop","input":{}}') + b"\x00\x01nonsense\r\n\r\n")
        said = await client.read_all()
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") == 1


async def test_a_handshake_behind_a_request_does_not_take_its_connection_away(system: System) -> None:
    shake = b"GET /v1/socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    async with raw(system.server.url) as client:
        await client.write(post(b"Prefer: wait=10", body=b'{"kind":"noop","input":{}}') + shake)
        said = await client.read_all()
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") == 1


# How many.


@pytest.fixture(scope="module")
def crowded() -> Iterator[System]:
    with running_system(
        TIDINGS_MAX_CONNECTIONS_PER_ADDRESS="6",
        TIDINGS_MAX_CONNECTIONS_PER_CALLER="3",
        TIDINGS_MAX_WATCHES_PER_CALLER="5",
    ) as system:
        yield system


@asynccontextmanager
async def opened(system: System, count: int, sent: bytes = b"") -> AsyncIterator[list[Raw]]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw(system.server.url)) for _ in range(count)]
        for client in clients:
            if sent:
                await client.write(sent)
        yield clients


@pytest.mark.parametrize("sent", [b"", b"GET /", post()[:-1]], ids=["nothing", "half a head", "half a body"])
async def test_connections_that_wait_are_counted_for_their_address(crowded: System, sent: bytes) -> None:
    async with opened(crowded, 6, sent), raw(crowded.server.url) as one_more:
        await one_more.write(b"GET /v1/kinds HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status, head, problem = await answer(one_more)
        assert (status, problem["code"]) == (429, "rate_limited")
        assert b"retry-after: 5" in head
    await until_healthy(crowded)


async def until_healthy(system: System) -> None:
    """Return when those who have gone are counted no more."""
    with anyio.fail_after(20):
        while True:
            async with raw(system.server.url) as other:
                await other.write(b"GET /v1/kinds HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if (await answer(other))[0] == 200:
                    return


def waiting(path: Path) -> dict[str, object]:
    """Return a job that goes on as long as nobody makes a file."""
    return {"kind": "wait_for_file", "input": {"path": str(path)}}


async def refusals(clients: list[Raw], count: int) -> list[dict[str, object]]:
    """Return the first answers on any of some connections, which are refusals."""
    found: list[dict[str, object]] = []
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:

            async def take(client: Raw) -> None:
                status, _, problem = await answer(client)
                assert status == 429
                found.append(problem)
                if len(found) == count:
                    tasks.cancel_scope.cancel()

            for client in clients:
                tasks.start_soon(take, client)
    return found


async def test_long_polls_are_counted_for_their_caller(crowded: System, tmp_path: Path) -> None:
    body = json.dumps(waiting(tmp_path / "go")).encode()
    async with opened(crowded, 5, post(b"Prefer: wait=30", body=body)) as clients:
        # Three wait, which is as many as may.
        for problem in await refusals(clients, 2):
            assert (problem["code"], problem["limit"]) == ("rate_limited", 3)
    (tmp_path / "go").touch()
    await until_healthy(crowded)


async def test_the_jobs_that_streams_watch_are_counted_for_their_caller(crowded: System, tmp_path: Path) -> None:
    body = json.dumps([waiting(tmp_path / "go") for _ in range(3)]).encode()
    async with raw(crowded.server.url) as client:
        await client.write(post(body=body, path=b"/v1/jobs/batch"))
        await client.read_head()
        tokens = [ack["token"] for ack in json.loads(await client.read_until(b"]"))]
    query = "&".join(f"token={token}" for token in tokens)
    stream = f"GET /v1/events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    async with raw(crowded.server.url) as first, raw(crowded.server.url) as second:
        await first.write(stream)
        assert (await first.read_head()).startswith(b"HTTP/1.1 200")
        await second.write(stream)
        (problem,) = await refusals([second], 1)
        assert (problem["code"], problem["limit"]) == ("too_many_watches", 5)
    (tmp_path / "go").touch()
    await until_healthy(crowded)
