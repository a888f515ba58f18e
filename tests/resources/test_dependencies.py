"""Dependencies in a real worker: in the loop, in threads and processes, in sagas, and however attempts end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.peer import Peer, peer
from support.system import System, running_system

KINDS = Path(__file__).with_name("dependency_kinds.py")
NUMBER_OF_KINDS = 9
OPENED = ["open thread", "open loop"]
CLOSED = ["close loop", "close thread"]
MODES = ["in_loop", "in_thread", "in_process"]


class Host(System):
    """A system, and the notes of its jobs."""

    folder: Path

    def notes(self, token: str) -> list[str]:
        """Return what the dependencies of a job noted."""
        return (self.folder / token).read_text().splitlines()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("dependencies")
    with running_system(1, 0) as system:
        host = Host(system.store)
        host.folder, host.servers = folder, system.servers
        worker = system.add_worker(
            str(KINDS), TEST_NOTES=str(folder), TIDINGS_PROCESSES="1", TIDINGS_EXPOSE_ERRORS="true"
        )
        host.workers = [worker]
        system.server.wait_until_ready(kinds=NUMBER_OF_KINDS)
        yield host


@pytest.fixture
async def client(host: Host) -> AsyncIterator[Peer]:
    async with peer(host.server.socket_url) as client:
        yield client


async def ended(client: Peer, kind: str, **input: Any) -> tuple[str, dict[str, Any]]:
    """Run a job; return its token and the last event."""
    token = (await client.submit(kind, input))["token"]
    return token, (await client.until(token))[-1]


@pytest.mark.parametrize("mode", MODES)
async def test_each_is_made_before_the_handler_and_closed_behind_it(host: Host, client: Peer, mode: str) -> None:
    token, event = await ended(client, mode, item="tea", how="well")
    assert event["data"]["result"] == {"loop": mode == "in_loop", "thread": True}, "a plain one runs beside its handler"
    assert host.notes(token) == [*OPENED, "work on tea", *CLOSED]


@pytest.mark.parametrize("mode", MODES)
async def test_each_sees_the_error_of_the_handler(host: Host, client: Peer, mode: str) -> None:
    token, event = await ended(client, mode, item="tea", how="fails")
    assert event["event"] == "failed"
    assert host.notes(token) == [*OPENED, "work on tea", "close loop", "thread saw ValueError", "close thread"]


@pytest.mark.parametrize(
    ("mode", "error"), [("in_loop", "CancelledError"), ("in_thread", "StoppedError"), ("in_process", "StoppedError")]
)
async def test_each_is_closed_when_a_client_cancels(host: Host, client: Peer, mode: str, error: str) -> None:
    token = (await client.submit(mode, {"item": "tea", "how": "waits"}))["token"]
    await client.until(token, "log")
    await client.send("cancel", token=token)
    assert (await client.until(token))[-1]["event"] == "cancelled"
    assert host.notes(token) == [*OPENED, "work on tea", "close loop", f"thread saw {error}", "close thread"]


async def test_each_is_closed_when_the_time_limit_comes(host: Host, client: Peer) -> None:
    token, event = await ended(client, "late")
    assert event["data"]["problem"]["code"] == "timeout"
    assert host.notes(token) == [*OPENED, "close loop", "thread saw CancelledError", "close thread"]


async def test_each_is_closed_when_the_deadline_comes(host: Host, client: Peer) -> None:
    token = (await client.submit("in_loop", {"item": "tea", "how": "waits"}, deadline=0.3))["token"]
    assert (await client.until(token))[-1]["event"] == "expired"
    assert host.notes(token)[-2:] == ["thread saw CancelledError", "close thread"]


async def test_an_attempt_after_one_that_failed_has_its_own(host: Host, client: Peer) -> None:
    token, event = await ended(client, "again")
    assert event["data"]["result"] == 2
    failed = [*OPENED, "close loop", "thread saw ValueError", "close thread"]
    assert host.notes(token) == [*failed, *OPENED, *CLOSED]


async def test_a_clean_up_that_fails_is_logged_with_its_job_and_leaves_the_outcome(host: Host, client: Peer) -> None:
    token, event = await ended(client, "badly_closed")
    assert (event["event"], event["data"]["result"]) == ("succeeded", "done")
    assert host.notes(token) == [*OPENED, *CLOSED], "the others are closed all the same"
    (line,) = [line for line in host.workers[0].text().splitlines() if "dependency_not_cleaned_up" in line]
    assert "OSError: the connection was gone" in line
    assert token in line
    assert '"place": "dependency_kinds.py:' in line


async def test_a_saga_makes_them_in_each_run_and_for_each_step(host: Host, client: Peer) -> None:
    token = (await client.submit("order", {"item": "tea", "fails": False}))["token"]
    await client.until(token, "waiting")
    await client.ask("signal", token=token, name="go", input=7)
    assert (await client.until(token))[-1]["data"]["result"] == ["tea", True, 7]
    inner = [*OPENED, "charge tea", *CLOSED, "open thread", "close thread"]
    # The handler that waits is stopped, and sees that.
    waits = ["thread saw CancelledError", "close thread"]
    assert host.notes(token) == ["open thread", "run", *inner, *waits, "open thread", "run", "close thread"]


async def test_what_undoes_a_step_has_its_own(host: Host, client: Peer) -> None:
    token = (await client.submit("order", {"item": "tea", "fails": True}))["token"]
    await client.until(token, "waiting")
    await client.ask("signal", token=token, name="go", input=7)
    assert (await client.until(token))[-1]["event"] == "failed"
    assert host.notes(token)[-5:] == [*OPENED, "refund tea tea", *CLOSED]


async def test_the_journal_shows_the_arguments_without_the_dependencies(host: Host, client: Peer) -> None:
    token = (await client.submit("order", {"item": "tea", "fails": False}))["token"]
    await client.until(token, "waiting")
    snapshot = await client.ask("watch", token=token)
    assert "at 0x" not in str(snapshot)
    await client.send("cancel", token=token)
    await client.until(token)


async def test_a_dependency_takes_no_steps(client: Peer) -> None:
    _, event = await ended(client, "step_in_dependency")
    assert "a dependency takes no steps; take them in the handler" in event["data"]["problem"]["detail"]


async def test_a_thread_that_waits_for_one_is_free_when_the_job_is_cancelled(host: Host, client: Peer) -> None:
    token = (await client.submit("waits_for_it", {}))["token"]
    await client.until(token, "log")
    await client.send("cancel", token=token)
    assert (await client.until(token))[-1]["event"] == "cancelled"
    await asyncio.sleep(0)
    assert "handler_abandoned" not in host.workers[0].text()
