"""A process that a handler starts is the handler's: a signal to it is no signal to the worker."""

import signal
from pathlib import Path

import pytest

from support.handlers.places import fork_kinds
from support.peer import peer
from support.system import System, running_system, system_fixture
from support.timeouts import scaled

system = system_fixture(str(Path(str(fork_kinds.__file__))), worker={"TIDINGS_PROCESSES": "2", "TIDINGS_LEASE_S": "30"})


WAYS = [
    (way, number)
    for way in fork_kinds.WAYS
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
    if (way, number) != ("executor", signal.SIGINT)  # an executor's process takes that for an error of its task
]


@pytest.mark.parametrize(("way", "number"), WAYS)
@pytest.mark.parametrize("where", ["loop", "thread", "process"])
async def test_a_signal_to_what_a_handler_started_ends_that_and_not_the_worker(
    system: System, where: str, way: str, number: signal.Signals
) -> None:
    (worker,) = system.workers
    async with peer(system.server.socket_url) as client:
        end = (await client.run(f"end_child_in_{where}", {"way": way, "number": number}))[-1]
        # SIGINT is an exception in Python: `multiprocessing` ends with 1 then, what goes on as the worker with 70.
        assert end["data"].get("result") in ({-number, 1, 70} if number is signal.SIGINT else {-number}), end
        assert (await client.run("same_process"))[-1]["data"] == {"result": worker.process.pid}, worker.text()
    assert "stopping" not in worker.text()


async def test_many_children_that_are_ended_at_once_do_not_stop_the_worker(system: System) -> None:
    (worker,) = system.workers
    async with peer(system.server.socket_url) as client:
        end = (await client.run("end_children_in_loop", {"count": 12}))[-1]
        assert end["data"] == {"result": [-signal.SIGTERM] * 12}, end
        assert (await client.run("same_process"))[-1]["data"] == {"result": worker.process.pid}
    assert "stopping" not in worker.text()


@pytest.mark.parametrize("what", ["once", "log", "breaker", "guard"])
@pytest.mark.parametrize("where", ["thread", "process"])
async def test_a_copy_that_asks_something_is_refused_and_does_not_hang(system: System, where: str, what: str) -> None:
    async with peer(system.server.socket_url) as client:
        end = (await client.run(f"ask_in_copy_of_{where}", {"what": what}))[-1]
        assert end["data"] == {"result": 17}, end


async def test_a_worker_that_has_seen_its_children_end_still_stops_when_it_is_asked() -> None:
    with running_system(servers=0, workers=0) as system:
        worker = system.add_worker(str(Path(str(fork_kinds.__file__))))
        system.add_server()
        async with peer(system.server.socket_url) as client:
            await client.run("end_child_in_loop", {"way": "multiprocessing", "number": signal.SIGTERM})
        worker.signal(signal.SIGTERM)
        assert worker.wait(scaled(30)) == 0, worker.text()
