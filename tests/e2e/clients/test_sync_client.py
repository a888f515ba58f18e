"""The client without `await`, against the real system."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.system import System
from support.timeouts import scaled
from tidings import NotWatched, ProblemError, SubmitOptions, SyncClient
from tidings.client import ConnectionFailed, ConnectionLost, JobCancelled, JobFailed
from tidings.process.port import free_port


@pytest.fixture
def client(system: System) -> Iterator[SyncClient]:
    with SyncClient(system.server.url) as client:
        yield client


def test_a_result_comes_back(client: SyncClient) -> None:
    handle = client.submit("echo", text="ab", times=2)
    assert handle.token.startswith("default.")
    assert handle.result(timeout=scaled(10), type=str) == "abab"
    assert (handle.status, handle.duplicate) == ("succeeded", False)
    assert repr(handle) == f"<job {handle.token} succeeded>"
    assert repr(client) == f"<sync client of {client.url} open>"


def test_events_come_in_order_and_end_with_the_terminal_one(client: SyncClient) -> None:
    handle = client.submit("count", chunks=20)
    events = list(handle)
    assert [event.data for event in events if event.name == "log"] == list(range(20))
    assert events[-1].data == {"result": 20}
    assert handle.seq == events[-1].seq
    assert [event.name for event in client.watch(handle.token, after=handle.seq)] == ["succeeded"]


def test_failures_are_typed(client: SyncClient, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="invalid_input"):
        client.submit("echo", text=3)
    with pytest.raises(JobFailed, match="this is bad"):
        client.submit("reject").result(timeout=scaled(10))
    handle = client.submit("wait_for_file", path=str(tmp_path / "never"))
    handle.cancel()
    with pytest.raises(JobCancelled):
        handle.result(timeout=scaled(10))
    with pytest.raises(ProblemError, match="already_finished"):
        handle.cancel()


def test_waiting_ends_when_its_time_is_up_and_nothing_is_lost_by_it(client: SyncClient, tmp_path: Path) -> None:
    path = tmp_path / "go"
    handle = client.submit("wait_for_file", path=str(path))
    events = handle.events(timeout=0.5)
    with pytest.raises(TimeoutError):
        handle.result(timeout=0.01)
    names: list[str] = []
    with pytest.raises(TimeoutError):
        names.extend(event.name for event in events)
    path.touch()
    assert handle.result(timeout=scaled(10)) == "found"
    assert [event.name for event in events] == ["succeeded"]
    assert handle.progress["message"] == "waiting"


def test_many_threads_share_one(client: SyncClient) -> None:
    with ThreadPoolExecutor(16) as threads:
        results = threads.map(lambda n: client.submit("echo", text=str(n)).result(timeout=scaled(30)), range(200))
    assert list(results) == [str(n) for n in range(200)]


def test_closing_it_ends_all_waiting(system: System, tmp_path: Path) -> None:
    client = SyncClient(system.server.url)
    client.open()
    handle = client.submit("wait_for_file", path=str(tmp_path / "never"))
    told: list[type[BaseException]] = []

    def wait() -> None:
        try:
            handle.result()
        except ConnectionLost as error:
            told.append(type(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    states = client.states()
    assert next(states).state.value == "open"
    client.close()
    for thread in threads:
        thread.join(scaled(10))
    assert told == [ConnectionLost] * 3
    with pytest.raises(ConnectionLost, match="closed"):
        client.submit("noop")
    client.close()


def test_no_server_is_a_clear_error_and_one_may_come_later() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    client = SyncClient(url)
    with pytest.raises(ConnectionLost, match="not been opened"):
        client.submit("noop")
    with pytest.raises(ConnectionFailed, match="connection refused"):
        client.open()


def test_while_the_connection_is_broken_a_submit_waits_no_longer_than_it_may(system: System) -> None:
    server = system.add_server()
    with SyncClient(server.url, timeout=0.5) as client:
        states = client.states()
        assert next(states).state.value == "open"
        server.signal(signal.SIGKILL)
        server.wait()
        assert next(states).state.value == "backing-off"
        with pytest.raises(TimeoutError):
            client.submit("noop", options=SubmitOptions(key="sync-timeout"))
    system.servers.remove(server)
    server.close()


INTERRUPTED = """
import sys
from tidings import SyncClient

with SyncClient() as client:
    handle = client.submit("wait_for_file", path=sys.argv[1])
    try:
        print(handle.token, flush=True)
        {wait}
    except KeyboardInterrupt:
        print("interrupted", client.submit("echo", text="goes on").result(), flush=True)
    else:
        sys.exit("it was not interrupted")
"""


@pytest.mark.parametrize("wait", ["handle.result()", "list(handle)", "list(client.states())"])
def test_control_c_ends_the_waiting_and_leaves_the_client_usable(system: System, tmp_path: Path, wait: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(wait=wait), str(tmp_path / "never")],
        env={"TIDINGS_URL": system.server.url, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        assert token.startswith("default.")
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted goes on\n"
        assert process.wait(scaled(20)) == 0


LEFT_OPEN = """
from tidings import SyncClient

client = SyncClient()
client.open()
print(client.submit("echo", text="x").result())
"""


def test_a_program_that_does_not_close_it_still_ends(system: System) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN],
        env={"TIDINGS_URL": system.server.url, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=scaled(30),
    )
    assert (done.stdout, done.stderr) == ("x\n", "")


FORKED = """
import os
from tidings import SyncClient
from tidings.client import ConnectionLost

with SyncClient() as client:
    child = os.fork()
    if child == 0:
        try:
            client.submit("noop")
        except ConnectionLost as error:
            os.write(1, str(error).encode())
        client.close()
        os._exit(0)
    os.waitpid(child, 0)
    print(";", client.submit("echo", text="goes on").result())
"""


def test_a_fork_is_told_to_open_its_own(system: System) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        env={"TIDINGS_URL": system.server.url, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=scaled(30),
    )
    assert re.fullmatch("this client was opened before a fork; .*; goes on\n", done.stdout)


FORKED_AND_LEFT = """
import gc, os, signal, sys
from tidings import SyncClient

client = SyncClient()
client.open()
child = os.fork()
if child == 0:
    signal.alarm(20)
    if "collected" in sys.argv:
        del client
        gc.collect()
    sys.exit(7)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), client.submit("echo", text="goes on").result())
"""


@pytest.mark.parametrize("how", ["collected", "left"])
def test_a_fork_ends_though_it_holds_a_copy_of_a_client(system: System, how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED_AND_LEFT, how],
        env={"TIDINGS_URL": system.server.url, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=scaled(60),
    )
    assert done.stdout == "7 goes on\n", done.stderr


def test_a_job_need_not_be_watched_and_a_handle_can_be_closed(client: SyncClient, tmp_path: Path) -> None:
    path = tmp_path / "go"
    unwatched = client.submit("wait_for_file", {"path": str(path)}, watch=False)
    with pytest.raises(NotWatched):
        unwatched.result(timeout=scaled(30))
    handle = client.submit("wait_for_file", path=str(path))
    handle.close()
    handle.close()
    with pytest.raises(NotWatched):
        handle.result(timeout=scaled(30))
    with pytest.raises(NotWatched):
        list(handle)
    path.touch()
    for token in (handle.token, unwatched.token):
        assert client.watch(token).result(timeout=scaled(30)) == "found"


def test_what_would_be_dropped_in_silence_is_an_error(client: SyncClient) -> None:
    with pytest.raises(TypeError, match="SubmitOptions"):
        client.submit("echo", {"text": "a"}, key="order-17", delay=3600)
