"""Hostile clients over HTTP: slow, oversized, half-finished requests."""

import json

import httpx
import pytest

from support.system import System, running_system, system_fixture
from support.wire.raw import raw

system = system_fixture(TIDINGS_REQUEST_WITHIN_S="0.5")


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


def problem_of(answer: bytes) -> tuple[int, dict[str, object]]:
    """Return status and problem of the last answer on a connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    found: dict[str, object] = json.loads(body)
    status = int(head.split()[1])
    assert found["status"] == status
    return status, found


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"GET / HT", id="half a line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b", id="half a head"),
        pytest.param(b"GET /v1/socket HTTP/1.1\r\nUpgrade: websocket\r\n", id="half a handshake"),
    ],
)
async def test_a_request_that_does_not_come_is_not_waited_for(system: System, sent: bytes) -> None:
    async with raw(system.server.url) as slow:
        await slow.write(sent)
        status, problem = problem_of(await slow.read_all())
        assert status == 408
        assert "within 0.5 s" in str(problem["detail"])


async def test_the_second_request_of_a_connection_is_not_waited_for_either(system: System) -> None:
    async with raw(system.server.url) as slow:
        await slow.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in await slow.read_head()
        await slow.write(b"GET /healthz HTTP/1.1\r\nHost")
        status, _ = problem_of((await slow.read_all()).removeprefix(b"ok\n"))
        assert status == 408


async def test_a_body_that_does_not_come_is_not_waited_for(system: System) -> None:
    async with raw(system.server.url) as slow:
        await slow.write(
            b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{"
        )
        status, problem = problem_of(await slow.read_all())
        assert status == 400
        assert "within 0.5 s" in str(problem["detail"])


@pytest.mark.parametrize(
    ("head", "status", "limit"),
    [
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, 8192, id="URL"),
        pytest.param(GET + b"A: " + b"a" * 33_000 + b"\r\n\r\n", 431, 32_768, id="header"),
        pytest.param(
            GET + b"".join(b"A%d: %b\r\n" % (n, b"b" * 1100) for n in range(32)) + b"\r\n", 431, 32_768, id="headers"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 2_000_000, 431, 40_960, id="a header without an end"),
    ],
)  # fmt: skip
async def test_a_head_that_is_too_large_is_refused(system: System, head: bytes, status: int, limit: int) -> None:
    async with raw(system.server.url) as large:
        try:
            for start in range(0, len(head), 50_000):
                await large.write(head[start : start + 50_000])
        except ConnectionError:
            pass  # cut off in the middle: what was said before that is read below
        answer = await large.read_all()
        if answer:  # the kernel drops it where more had come than was read
            found, problem = problem_of(answer)
            assert (found, problem["code"], problem["limit"]) == (status, "too_large", limit)
        else:
            assert len(head) > 1_000_000


def test_submits_over_http_are_counted_for_their_caller() -> None:
    with running_system(TIDINGS_MAX_SUBMITS_PER_S="0.1", TIDINGS_MAX_SUBMIT_BURST="2") as system:
        body = json.dumps({"kind": "echo", "input": {"text": "a"}})
        answers = [httpx.post(f"{system.server.url}/v1/jobs", content=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10


async def test_what_is_no_http_is_told_so(system: System) -> None:
    async with raw(system.server.url) as stray:
        await stray.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        status, problem = problem_of(await stray.read_all())
        assert (status, problem["code"]) == (400, "invalid_frame")
