"""Sagas as the Python clients see them, against the real system."""

from pathlib import Path

import pytest

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings import Client, ProblemError, SyncClient
from tidings.client import JobFailed
from tidings.protocol.steps import StepStatus
from tidings_cli.lab.proxy import LinkMode, running_proxy

KINDS = str(Path(__file__).parents[2] / "support/handlers/saga_kinds.py")


system = system_fixture(KINDS)


async def test_a_handle_gives_signals_and_knows_the_steps(system: System) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit("ask", times=2)
        await handle.signal("approved", {"by": "ann"})
        await handle.signal("approved")
        assert await handle.result(timeout=scaled(15)) == [{"by": "ann"}, None]
        assert [(step.path, step.name, step.status) for step in handle.steps] == [
            ("1", "approved", "succeeded"),
            ("2", "approved", "succeeded"),
        ]
        with pytest.raises(ProblemError, match="already_finished"):
            await handle.signal("approved")
        with pytest.raises(ValueError, match="no name of a signal"):
            await handle.signal("a b")
        with pytest.raises(TypeError):
            await handle.signal("approved", object())
        later = await client.watch(handle.token)
        assert later.snapshot is not None
        assert later.steps == later.snapshot.steps
        assert bytes(later.steps[0].result) == b'{"by":"ann"}'  # type: ignore[arg-type]


async def test_a_signal_with_a_key_counts_once_whichever_client_repeats_it(system: System) -> None:
    async with Client(system.server.url) as one, Client(system.server.url) as other:
        handle = await one.submit("ask", times=2)
        elsewhere = await other.watch(handle.token)
        await handle.signal("approved", 1, key="k")
        await elsewhere.signal("approved", 2, key="k")
        await elsewhere.signal("approved", 3, key="l")
        assert await handle.result(timeout=scaled(15)) == [1, 3]


async def test_a_saga_that_was_undone_says_so(system: System) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit("build", fail=True)
        with pytest.raises(JobFailed) as failed:
            await handle.result(timeout=scaled(15))
        assert failed.value.problem.compensation == "complete"
        assert [step.status for step in handle.steps].count(StepStatus.COMPENSATED) == 2


async def test_a_signal_given_while_the_connection_is_broken_arrives_by_the_next_once(system: System) -> None:
    async with (
        running_proxy(system.server.port) as proxy,
        Client(f"http://127.0.0.1:{proxy.port}") as client,
    ):
        handle = await client.submit("ask", times=3)
        for number in range(3):
            proxy.set_mode(LinkMode.CUT)
            proxy.set_mode(LinkMode.OPEN)
            await handle.signal("approved", number)
        assert await handle.result(timeout=scaled(30)) == [0, 1, 2]


def test_a_program_without_an_event_loop_gives_signals_too(system: System) -> None:
    with SyncClient(system.server.url) as client:
        handle = client.submit("ask")
        handle.signal("approved", "yes")
        assert handle.result(timeout=scaled(15)) == ["yes"]
        assert [step.name for step in handle.steps] == ["approved"]
        again = client.watch(handle.token)
        assert again.snapshot is not None
        assert again.steps[0].status == "succeeded"
