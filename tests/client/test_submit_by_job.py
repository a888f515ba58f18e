"""Jobs submitted by their functions, through real processes: arguments arrive, results come back as their types."""

from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from support.handlers.typed_kinds import (
    SENT,
    Parcel,
    Route,
    greet_all,
    mistake,
    pack,
    plan,
    plan_elsewhere,
    send,
    weigh,
)
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings import Client, SubmitOptions, SyncClient
from tidings.client import Handle

system = system_fixture(str(Path(__file__).parents[1] / "support" / "handlers" / "typed_kinds.py"))


R = TypeVar("R")


async def result(handle: Handle[R]) -> R:
    return await handle.result(timeout=scaled(20))


async def test_a_result_is_of_the_handlers_type(system: System) -> None:
    async with Client(system.server.url) as client:
        parcel = await result(await client.submit(pack, "tea"))
        assert parcel == Parcel("tea", 1.5, SENT)
        assert await result(await client.submit(plan, parcel=parcel, delay=timedelta(days=2))) == Route(3, "tea")
        assert await result(await client.submit(plan_elsewhere, parcel=parcel)) == Route(1, "tea")


async def test_options_come_before_a_job_and_hold_for_each_submit(system: System) -> None:
    async with Client(system.server.url) as client:
        repeated = client.with_options(SubmitOptions(key="pack-tea"))
        first = await repeated.submit(pack, item="tea")
        again = await repeated.submit(pack, item="tea")
        assert (again.token, again.duplicate) == (first.token, True)
        by_name = await repeated.submit("pack", item="tea", options=SubmitOptions(key="another"))
        assert by_name.token != first.token


async def test_a_result_of_another_type_is_an_error_and_can_be_had_as_it_is(system: System) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit(weigh, item="tea")
        with pytest.raises(msgspec.ValidationError, match="weight"):
            await result(handle)
        assert await handle.result(type=dict) == {"item": "tea", "weight": "heavy"}


async def test_a_saga_calls_jobs_by_their_functions_and_gets_their_types(system: System) -> None:
    async with Client(system.server.url) as client:
        handle = await client.submit(send, name="tea")
        assert await result(handle) == Route(2 + 5, SENT.isoformat())
        steps = (await client.watch(handle.token)).steps
        assert [step.name for step in steps] == ["pack", "far", "near", "add"]


async def test_an_argument_by_the_name_of_an_option_is_the_childs(system: System) -> None:
    async with Client(system.server.url) as client:
        assert await result(await client.submit(greet_all, ["Ann", "Bo"])) == ["hello Ann", "hello Bo"]


async def test_a_saga_that_gives_wrong_arguments_gets_an_error_before_any_child_runs(system: System) -> None:
    async with Client(system.server.url) as client:
        said = await result(await client.submit(mistake))
        assert said.startswith("job pack: missing a required argument: 'item'")


def test_the_client_without_await_does_the_same(system: System) -> None:
    with SyncClient(system.server.url) as client:
        assert client.submit(pack, "tea", weight=2).result(timeout=scaled(20)) == Parcel("tea", 2.0, SENT)
        known = client.with_options(SubmitOptions(key="sync"))
        assert known.submit(pack, "tea").token == known.submit(pack, item="tea").token
