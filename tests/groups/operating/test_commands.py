"""What operators see of groups and do to them at the command line, in `tidings status` and in metrics."""

import json
from functools import partial
from typing import Any

import anyio
import msgspec
import pytest
from redis.asyncio import Redis
from rich.console import Console
from typer.testing import CliRunner

from groups.stage import BOUNDS, KEYS, Stage, stage_in
from support.store import StoreProcess
from tidings.metrics.store_gauges import StoreGauges
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.admin.audit_log import AuditLog
from tidings.store.admin.queue_stats import read_queue_stats
from tidings.store.breaker_store import BreakerStore
from tidings.store.groups.group_counts import count_groups
from tidings.store.groups.group_store import EventOutcome, GroupStore
from tidings.store.keys import REGISTRY
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry
from tidings_cli.main import _app
from tidings_cli.top.poll import Poller
from tidings_cli.top.screen import screen


async def registered(stage: Stage) -> KindRecord:
    """Register a kind of the partition, and the groups of its queue, as workers do."""
    raw = msgspec.Raw(b"{}")
    record = KindRecord(kind="k", queue=stage.partition, input=raw, result=raw)
    await Registry(stage.store, KEYS).register([record])
    await GroupStore(stage.store, KEYS, REGISTRY, "w").join("g", [], BOUNDS)
    return record


async def tidings(store: StoreProcess, *words: str, code: int = 0) -> str:
    """Call the command line; return what it printed."""
    app = _app(words)
    result = await anyio.to_thread.run_sync(
        partial(CliRunner().invoke, app, [*words, "--store-url", store.url], env={"COLUMNS": "200"})
    )
    if code == 0:
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output
    assert result.exit_code == code
    return f"{result.output}{result.exception}"


async def listed(store: StoreProcess, group: str = "g") -> dict[str, Any]:
    found = json.loads(await tidings(store, "events", "list", "--json"))
    return next(one for one in found if one["group"] == group)


async def test_operators_move_one_group_and_see_where_it_stands(store: Redis, store_process: StoreProcess) -> None:
    async with stage_in(store, ("g", "*"), ("other", "*")) as stage:
        await registered(stage)
        await stage.finish(5)
        await stage.drain("g")
        await stage.drain("other")
        shown = await listed(store_process)
        assert (shown["behind"], shown["handled"], shown["oldest"]) == (0, 5, None)
        assert shown["follows"] == ["*: succeeded, failed, cancelled, expired"]
        said = await tidings(store_process, "events", "replay", "g", "--from-start")
        assert said == f"g goes on in {stage.partition} behind 0-0.\n"
        assert (await listed(store_process))["behind"] == 5
        assert (await listed(store_process, "other"))["behind"] == 0
        await tidings(store_process, "events", "skip", "g")
        assert (await listed(store_process))["behind"] == 0
        await tidings(store_process, "events", "replay", "g", "--since", "1h")
        assert (await listed(store_process))["behind"] == 5
        await tidings(store_process, "events", "replay", "g", "--position", shown["position"])
        assert (await listed(store_process))["behind"] == 0
        await tidings(store_process, "events", "replay", "g", "--since", "2020-01-01T00:00:00Z")
        assert (await listed(store_process))["behind"] == 5
        acts = [entry.action for entry in await AuditLog(store, KEYS).page("", 10)]
        assert set(acts) == {"move_group"}


async def test_operators_pause_resume_and_forget_a_group(store: Redis, store_process: StoreProcess) -> None:
    async with stage_in(store, ("g", "*"), ("other", "*")) as stage:
        await registered(stage)
        assert "g in" in await tidings(store_process, "events", "pause", "g")
        assert "was paused already" in await tidings(store_process, "events", "pause", "g")
        assert (await listed(store_process))["paused"] is True
        assert "takes events again" in await tidings(store_process, "events", "resume", "g")
        await tidings(store_process, "events", "forget", "other")
        groups = json.loads(await tidings(store_process, "events", "list", "--json"))
        assert [one["group"] for one in groups] == ["g"]


async def test_operators_see_dead_events_and_give_them_again(store: Redis, store_process: StoreProcess) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await registered(stage)
        (job,) = await stage.finish(1)
        (event,) = await stage.take("g")
        await stage.settle("g", event, EventOutcome.DEAD)
        (row,) = json.loads(await tidings(store_process, "events", "dead", "g", "--json"))
        assert (row["token"], row["event"], row["tries"], row["why"]) == (
            str(stage.token(job)), "succeeded", 1, "not known",
        )  # fmt: skip
        assert job in await tidings(store_process, "events", "dead", "g")
        await tidings(store_process, "events", "retry", "g", "1-1", code=1)
        assert await tidings(store_process, "events", "retry", "g", row["letter"]) == "1 events go to g again.\n"
        assert [job for job, _ in await stage.drain("g")] == [job]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay", "g"), "by one of: --since, --position, --from-start"),
        (("replay", "g", "--since", "1h", "--from-start"), "by one of"),
        (("replay", "g", "--position", "there"), "a place is two numbers"),
        (("replay", "g", "--since", "soon"), "a duration is a number with s, m, h or d"),
        (("replay", "nobody", "--from-start"), "there is no group 'nobody'; known: g"),
        (("skip", "g", "--queue", "elsewhere"), "there is no group 'g' in elsewhere"),
        (("retry", "g"), "name the letters"),
        (("retry", "g", "1-1", "--all"), "name the letters"),
    ],
)
async def test_a_mistake_gets_one_clear_line(
    store: Redis, store_process: StoreProcess, words: tuple[str, ...], said: str
) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        await registered(stage)
        assert said in await tidings(store_process, "events", *words, code=1)


async def test_status_top_and_metrics_tell_how_far_behind_a_group_is_and_what_it_missed(
    store: Redis, store_process: StoreProcess
) -> None:
    async with stage_in(store, ("g", "*")) as stage:
        record = await registered(stage)
        await stage.finish(3)
        await command(store, "XTRIM", KEYS.events(stage.partition), "MAXLEN", 1)
        (count,) = (await read_queue_stats(store, KEYS)).groups
        assert (count.behind, count.missed) == (1, 2)
        said = await tidings(store_process, "status", code=4)
        assert f"The group g in {stage.partition} has missed 2 events" in " ".join(said.split())
        console = Console(width=200, record=True)
        console.print(screen(await Poller(store, KEYS).poll()))
        assert "missed" in console.export_text()
        gauges = StoreGauges(store, KEYS, BreakerStore(store, KEYS), lambda: [record])
        lines = {family.name: family for family in await gauges.read()}
        assert "tidings_group_missed_events" in lines
        assert lines["tidings_group_missed_events"].samples == [(("g", stage.partition), 2.0)]


async def test_a_store_without_groups_is_asked_once(store: Redis) -> None:
    await command(store, "CONFIG", "RESETSTAT")
    assert await count_groups(store, KEYS, [f"q{number}" for number in range(100)]) == []
    calls = await store.info("commandstats")
    assert calls["cmdstat_fcall"]["calls"] <= 2, "once, and once more where the library was not loaded yet"
