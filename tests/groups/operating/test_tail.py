"""`tidings events tail`: what happens, as JSON lines, from now, from a moment or from a place on."""

import json
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from groups.operating.test_commands import registered
from groups.stage import KEYS, Stage, stage_in
from support.store import StoreProcess
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.groups.group_admin import GroupAdmin
from tidings.store.redis.store_client import command
from tidings_cli.main import _app


async def tail(store: StoreProcess, *words: str) -> Any:
    """Call the command; return the result of typer's runner."""
    words = ("events", "tail", *words, "--store-url", store.url)
    return await anyio.to_thread.run_sync(partial(CliRunner().invoke, _app(words), [*words], env={"COLUMNS": "400"}))


def lines(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


def place(result: Any) -> str:
    return str(result.stderr).rpartition("--position ")[2].strip()


async def until_followed(stage: Stage) -> None:
    """Return when a feed follows the events of the partition."""
    await until_async(
        lambda: GroupAdmin(stage.store, KEYS, stage.partition).read(feeds=True), lambda found: found.groups, seconds=20
    )


async def test_what_happens_is_printed_while_it_happens_and_what_follows_from_its_place(
    store: Redis, store_process: StoreProcess
) -> None:
    async with stage_in(store) as stage:
        await registered(stage)
        found: list[Any] = []

        async def follow() -> None:
            found.append(await tail(store_process, "k", "--event", "succeeded", "--limit", "2"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await until_followed(stage)
            with anyio.fail_after(scaled(60)):
                while not found:  # the first may end before the feed has found its place
                    await stage.finish(1)
                    await anyio.sleep(0.1)
        shown = lines(found[0])
        assert len(shown) == 2
        assert {(one["kind"], one["event"], one["id"] == f"{one['token']}:{one['seq']}") for one in shown} == {
            ("k", "succeeded", True)
        }
        await stage.finish(1)
        again = await tail(store_process, "k", "--event", "succeeded", "--position", place(found[0]), "--limit", "1")
        (one,) = lines(again)
        assert one["token"] not in {earlier["token"] for earlier in shown}


async def test_earlier_events_are_printed_from_the_start_or_a_moment_on(
    store: Redis, store_process: StoreProcess
) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await registered(stage)
        jobs = await stage.finish(3)
        for begin in (["--from-start"], ["--since", "10m"], ["--since", "2020-01-01T00:00:00Z"]):
            shown = lines(await tail(store_process, *begin, "--limit", "3", "--cloudevents"))
            assert [one["subject"] for one in shown] == [str(stage.token(job)) for job in jobs], begin
            assert shown[0]["type"] == "tidings.job.succeeded"


async def test_a_tail_changes_no_bound_that_servers_and_workers_have_said(
    store: Redis, store_process: StoreProcess
) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await registered(stage)
        before = await command(store, "HGET", KEYS.groups(stage.partition), "limits")
        assert before is not None
        await stage.finish(1)
        assert len(lines(await tail(store_process, "--from-start", "--limit", "1"))) == 1
        assert await command(store, "HGET", KEYS.groups(stage.partition), "limits") == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from-start", "--since", "1h"], "say where it is to begin by one of"),
        (["--position", "there"], "--position: 'there' is no place in a feed"),
        (["--event", "ended"], "'ended' is no event"),
        (["or der"], "neither a kind nor a pattern"),
        (["--since", "soon"], "--since"),
    ],
)
async def test_what_cannot_be_is_refused(store_process: StoreProcess, words: list[str], says: str) -> None:
    result = await tail(store_process, *words)
    assert result.exit_code != 0
    assert says in f"{result.output}{result.exception}"
