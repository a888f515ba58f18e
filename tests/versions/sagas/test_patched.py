"""The code of a saga changes while sagas are under way: those go on as they began, and new ones take the new steps."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.peer import Peer, peer
from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.waiting import until_async
from tidings import Context, job
from tidings.saga.step_errors import SagaUseError, StepError
from tidings.testing import run

EARLIER = str(Path(__file__).with_name("earlier_sagas.py"))
LATER = str(Path(__file__).with_name("later_sagas.py"))

system = system_fixture(workers=0, scope="function")


async def waits(client: Peer) -> str:
    """Submit, and return the token when the saga waits for its signal."""
    ack = await client.submit("deliver", {"item": "tea"})
    await client.until(ack["token"], "waiting")
    return str(ack["token"])


async def paid(client: Peer, token: str) -> Any:
    answer = await client.ask("signal", token=token, name="paid", input=True)
    assert answer["type"] == "done", answer
    return token


async def result_of(system: System, token: str) -> Any:
    found = await until_async(
        lambda: system.server.get(f"/v1/jobs/{token}")[1],
        lambda found: found["status"] in ("succeeded", "failed"),
        seconds=20,
    )
    assert found["status"] == "succeeded", found
    return found["result"]


def sagas(system: System) -> Any:
    told = run_tidings("status", "--json", "--store-url", system.store.url)
    return msgspec.json.decode(told.stdout)["sagas"]


async def test_a_saga_under_way_goes_on_as_it_began_and_a_new_one_takes_the_change(system: System) -> None:
    earlier = system.add_worker(EARLIER)
    system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        first = await waits(client)
        assert sagas(system) == [{"kind": "deliver", "version": 1, "queue": "default", "sagas": 1}]
        said = run_tidings("status", "--store-url", system.store.url).stdout
        assert "Sagas" in said
        earlier.process.kill()
        earlier.wait()
        system.add_worker(LATER)
        second = await waits(client)
        assert sagas(system)[0]["sagas"] == 2
        await paid(client, first)
        await paid(client, second)
        # The first had passed the earlier place and not the later one: there it takes the change.
        assert await result_of(system, first) == ["hold of tea checked", "hold of tea", "parcel for hold of tea"]
        assert await result_of(system, second) == [
            "tea checked", "hold of tea checked", "hold of tea", "parcel for hold of tea",
        ]  # fmt: skip
    assert sagas(system) == []


async def test_a_saga_of_an_older_version_never_takes_the_change_and_its_workers_never_get_a_new_one(
    system: System, tmp_path: Path
) -> None:
    raised = tmp_path / "raised.py"
    text = Path(LATER).read_text()
    raised.write_text(text.replace("@job\nasync def deliver", "@job(version=2, upcast={1: dict})\nasync def deliver"))
    earlier = system.add_worker(EARLIER)
    system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        first = await waits(client)
        system.add_worker(str(raised))
        await until_async(lambda: system.server.get("/v1/kinds")[1]["kinds"][0]["version"] == 2, seconds=20)
        later = [await waits(client) for _ in range(6)]
        counted = [{"kind": "deliver", "version": 1, "queue": "default", "sagas": 1}]
        assert sagas(system) == [*counted, {**counted[0], "version": 2, "sagas": 6}]
        for token in (first, *later):
            await paid(client, token)
        assert await result_of(system, first) == ["hold of tea", "parcel for hold of tea"]
        for token in later:
            assert (await result_of(system, token))[:2] == ["tea checked", "hold of tea checked"]
    assert earlier.process.poll() is None, "it served all the time"


async def one(value: int) -> int:
    return value


@job
async def changed(ctx: Context) -> list[bool]:
    first = await ctx.patched("first")
    await ctx.step(one, 1)
    second = await ctx.patched("second")
    await ctx.sleep(3600)
    return [first, second, await ctx.patched("third"), await ctx.patched("first")]


async def test_a_run_keeps_the_answers_that_it_had_first() -> None:
    done = await run(changed)
    assert done.result == [True, True, True, True]


@job
async def asks_in_a_step(ctx: Context) -> bool:
    async def step() -> bool:
        return await ctx.patched("inside")

    return bool(await ctx.step(step))


@job
async def names_nothing(ctx: Context, name: str) -> bool:
    return await ctx.patched(name)


async def test_a_step_cannot_ask_and_a_name_has_bounds() -> None:
    done = await run(asks_in_a_step)
    assert done.status == "failed"
    assert isinstance(done.error, StepError)
    assert isinstance(done.error.__cause__, SagaUseError)
    for name in ("", "x" * 101):
        done = await run(names_nothing, name=name)
        assert isinstance(done.error, ValueError)
        assert "patched: a name has 1 to 100 characters" in str(done.error)


@pytest.mark.parametrize("branches", [2, 5])
async def test_branches_beside_each_other_take_the_change_in_a_new_run(branches: int) -> None:
    @job
    async def beside(ctx: Context) -> list[bool]:
        async def branch(number: int) -> bool:
            await ctx.step(one, number)
            return await ctx.patched(f"in {number}")

        return await ctx.gather(*(branch(number) for number in range(branches)))

    assert (await run(beside)).result == [True] * branches
