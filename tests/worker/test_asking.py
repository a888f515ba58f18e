"""Handlers that ask from several threads: each hears the answer to its own question."""

from pathlib import Path

import pytest

from support.handlers.places import asking_kinds
from support.peer import peer
from support.system import System, system_fixture
from support.waiting import until

system = system_fixture(
    str(Path(str(asking_kinds.__file__))), worker={"TIDINGS_PROCESSES": "1", "TIDINGS_LEASE_S": "30"}
)


def wait_for(path: Path) -> None:
    """Return when a file is there."""
    until(path.exists, lambda: f"{path} did not come")


@pytest.mark.parametrize(("threads", "rounds"), [(2, 4), (24, 8)])
@pytest.mark.parametrize("where", ["thread", "process"])
async def test_many_threads_that_ask_different_things_each_hear_their_own_answer(
    system: System, where: str, threads: int, rounds: int
) -> None:
    async with peer(system.server.socket_url) as client:
        end = (await client.run(f"ask_in_{where}", {"threads": threads, "rounds": rounds}))[-1]
        assert end["data"] == {"result": asking_kinds.expected(threads, rounds)}, end


@pytest.mark.parametrize("where", ["thread", "process"])
async def test_a_thread_that_asks_after_its_handler_has_returned_is_told_and_disturbs_no_other_job(
    system: System, where: str, tmp_path: Path
) -> None:
    path = tmp_path / "told"
    async with peer(system.server.socket_url) as client:
        for _ in range(3):
            end = (await client.run(f"leave_a_thread_in_{where}", {"path": str(path)}))[-1]
            assert end["data"] == {"result": "returned"}, end
            wait_for(path)
            path.unlink()
            assert (await client.run("alone"))[-1]["data"] == {"result": "mine"}


async def test_a_handler_that_is_stopped_while_it_asks_has_its_grace(system: System, tmp_path: Path) -> None:
    path = tmp_path / "clean"
    async with peer(system.server.socket_url) as client:
        token = (await client.submit("ask_until_stopped", {"path": str(path)}))["token"]
        await client.until(token, "log")
        await client.send("cancel", token=token)
        assert (await client.until(token))[-1]["event"] == "cancelled"
    assert path.exists()
