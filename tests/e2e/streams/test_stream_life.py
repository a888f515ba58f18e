"""The life of a stream's connection: quiet, left by the server, or not read any more."""

import re
import signal
import socket
from pathlib import Path

import httpx
import psutil

from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until

MAX_WAITING_BYTES = 2_000_000


system = system_fixture(
    TIDINGS_SSE_HEARTBEAT_S="0.05", TIDINGS_WRITE_TIMEOUT_S="5", TIDINGS_MAX_WAITING_BYTES=str(MAX_WAITING_BYTES)
)


def submit(system: System, kind: str, **fields: object) -> str:
    answer = httpx.post(system.server.url + "/v1/jobs", json={"kind": kind, "input": fields})
    token: str = answer.json()["token"]
    return token


def reader(system: System, token: str) -> socket.socket:
    """Return a connection on which a stream was asked for; it takes in little."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(scaled(20))
    connection.connect(("127.0.0.1", system.server.port))
    connection.sendall(f"GET /v1/jobs/{token}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    return connection


def wait_until_gone(system: System, port: int) -> None:
    """Return when the server has no connection any more to a port of a client."""
    server = psutil.Process(system.server.process.pid)
    until(
        lambda: all(one.raddr[1:] != (port,) for one in server.net_connections("tcp")),
        lambda: "the server holds the connection still",
    )


def test_a_quiet_stream_has_heartbeats(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    token = submit(system, "wait_for_file", path=str(path))
    beats = 0
    lines: list[str] = []
    with httpx.stream("GET", f"{system.server.url}/v1/jobs/{token}/events", timeout=scaled(20)) as answer:
        for line in answer.iter_lines():
            lines.append(line)
            beats += line.startswith(":")
            if beats == 3:
                path.touch()
    assert re.fullmatch(r"retry: \d+", lines[0])
    assert 1000 <= int(lines[0].removeprefix("retry: ")) <= 3000
    assert "event: succeeded" in lines


def test_a_reader_that_reads_no_more_is_let_go_holding_little_and_delaying_no_other(system: System) -> None:
    token = submit(system, "count", chunks=400, fat=50_000, pause=0.005)
    server = psutil.Process(system.server.process.pid)
    with reader(system, token) as stuck:
        assert stuck.recv(4).startswith(b"HTTP")
        before = server.memory_info().rss
        seen = 0
        most = before
        with httpx.stream("GET", f"{system.server.url}/v1/jobs/{token}/events", timeout=scaled(20)) as answer:
            for line in answer.iter_lines():
                if line == "event: log":
                    seen += 1
                    most = max(most, server.memory_info().rss)
        assert seen == 400
        wait_until_gone(system, stuck.getsockname()[1])
    # 20 MB went by; of it one reader may have 2 MB waiting, and the rest is the allocator's room for them.
    assert most - before < 5 * MAX_WAITING_BYTES
    assert "stream_too_slow" in system.server.text()
    assert "without completing" not in system.server.text()


def test_histories_larger_than_may_wait_come_job_by_job(system: System) -> None:
    tokens = [submit(system, "count", chunks=60, fat=40_000) for _ in range(3)]
    for token in tokens:
        httpx.get(f"{system.server.url}/v1/jobs/{token}/events", timeout=scaled(20))  # until it has ended
    query = "&".join(f"token={token}" for token in tokens)
    last = ""
    chunks = streams = 0
    while True:
        headers = {"last-event-id": last} if last else {}
        with httpx.stream(
            "GET", f"{system.server.url}/v1/events?{query}", headers=headers, timeout=scaled(20)
        ) as answer:
            if answer.status_code == 204:
                break
            for line in answer.iter_lines():
                chunks += line == "event: log"
                last = line.removeprefix("id: ") if line.startswith("id: ") else last
        streams += 1
    assert (chunks, streams) == (180, 3)


def test_a_server_that_leaves_ends_its_streams_and_spreads_when_they_come_back(system: System, tmp_path: Path) -> None:
    token = submit(system, "wait_for_file", path=str(tmp_path / "never"))
    leaving = system.add_server(TIDINGS_DRAIN_S="20")
    pauses: list[int] = []
    with httpx.Client(base_url=leaving.url, timeout=scaled(20)) as http:
        with http.stream("GET", f"/v1/jobs/{token}/events") as answer:
            for line in answer.iter_lines():
                if line == "event: snapshot":
                    leaving.signal(signal.SIGTERM)
                if line.startswith("retry: "):
                    pauses.append(int(line.removeprefix("retry: ")))
        assert leaving.wait() == 0, leaving.text()
    first, last = pauses
    assert 1000 <= first <= 3000
    assert 0 <= last <= 20_000


def test_a_stream_counts_as_a_connection_of_its_caller_for_as_long_as_it_is_open(
    system: System, tmp_path: Path
) -> None:
    token = submit(system, "wait_for_file", path=str(tmp_path / "go"))
    server = system.add_server(TIDINGS_MAX_CONNECTIONS_PER_CALLER="1")
    url = f"{server.url}/v1/jobs/{token}/events"
    with httpx.stream("GET", url, timeout=scaled(20)) as answer:
        assert answer.status_code == 200
        refused = httpx.get(url)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        (tmp_path / "go").touch()
        answer.read()
    assert httpx.get(url, timeout=scaled(20)).status_code == 200


def test_a_request_behind_a_stream_is_answered_on_the_same_connection_once_the_job_has_ended(
    system: System, tmp_path: Path
) -> None:
    token = submit(system, "wait_for_file", path=str(tmp_path / "go"))
    with reader(system, token) as connection:
        said = b""
        while b"event: snapshot" not in said:
            said += connection.recv(65_536)
        assert said.count(b"HTTP/1.1 200 OK") == 1
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        (tmp_path / "go").touch()
        while more := connection.recv(65_536):
            said += more
    stream, _, rest = said.partition(b"\r\n0\r\n\r\n")
    assert b"event: succeeded" in stream
    assert rest.startswith(b"HTTP/1.1 200 OK")
    assert rest.endswith(b"ok\n")


def test_a_client_that_hangs_up_leaves_nothing_of_its_stream(system: System, tmp_path: Path) -> None:
    token = submit(system, "wait_for_file", path=str(tmp_path / "go"))
    server = system.add_server(TIDINGS_MAX_CONNECTIONS_PER_CALLER="1")
    url = f"{server.url}/v1/jobs/{token}/events"
    with httpx.stream("GET", url, timeout=scaled(20)) as answer:
        next(answer.iter_lines())

    def has_a_place() -> bool:
        with httpx.stream("GET", url, timeout=scaled(20)) as answer:
            return answer.status_code == 200

    until(has_a_place)  # it is free again, once the server has noticed
    (tmp_path / "go").touch()
