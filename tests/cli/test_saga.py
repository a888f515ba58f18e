"""Sagas on the command line: `tidings show`, `tidings signal`, and following one, against a server the test plays."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cli.test_client import TOKEN, command
from support.wire.played import PlayedServer, Stage, played_server

AT = "2026-01-01T10:00:00.000Z"

STEPS = [
    {
        "path": "1", "name": "reserve_stock", "type": "step", "status": "compensated", "attempts": 3,
        "began": AT, "ended": "2026-01-01T10:00:00.250Z", "result": {"pieces": 2}, "undo": "release_stock",
    },
    {"path": "2.1", "name": "book_courier", "type": "call", "status": "failed", "began": AT, "child": TOKEN,
     "ended": "2026-01-01T10:01:00.000Z", "problem": {"type": "t", "title": "t", "status": 422, "code": "rejected",
     "detail": "no courier drives to\nthis address"}},
    {"path": "10", "name": "approved", "type": "signal", "status": "running", "began": AT},
]  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[PlayedServer]:
    async with played_server() as server:
        yield server


async def snapshot(stage: Stage, **fields: Any) -> None:
    frame = await stage.hear("watch")
    await stage.snapshot(frame, 9, status="failed", steps=STEPS, **fields)


def problem(**fields: Any) -> dict[str, Any]:
    return {"type": "t", "title": "t", "status": 422, "code": "rejected", "detail": "no courier", **fields}


async def shown(server: PlayedServer, *arguments: str, **fields: Any) -> str:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command("show", TOKEN, *arguments, TIDINGS_URL=server.url))
        await snapshot(await server.stage(), **fields)
    done = running.result()
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_show_prints_the_steps_of_a_saga_in_order_with_what_came_of_each(server: PlayedServer) -> None:
    out = await shown(server, problem=problem(compensation="complete"))
    assert "rejected: no courier" in out
    assert "all of it" in out
    reserve, courier, approved = (
        next(line for line in out.splitlines() if name in line)
        for name in ("reserve_stock", "book_courier", "approved")
    )
    for part in ("1  reserve_stock", "step", "undone", "10:00:00.000", "250 ms", "3", '{"pieces": 2}'):
        assert part in reserve
    for part in ("  2.1  book_courier", "call", "failed", "60 s", "rejected: no courier drives to this address"):
        assert part in courier
    for part in ("10  approved", "signal", "running"):
        assert part in approved
    assert out.index("reserve_stock") < out.index("book_courier") < out.index("approved")


async def test_show_says_that_a_compensation_stopped(server: PlayedServer) -> None:
    assert "not all of it" in await shown(server, problem=problem(compensation="incomplete"))


async def test_show_prints_a_snapshot_as_json(server: PlayedServer) -> None:
    found = json.loads(await shown(server, "--json", problem=problem()))
    assert (found["token"], found["status"]) == (TOKEN, "failed")
    assert [step["path"] for step in found["steps"]] == ["1", "2.1", "10"]


@pytest.mark.parametrize(
    ("argument", "value"), [([], None), (["true"], True), (['{"by": "ann"}'], {"by": "ann"}), (["fine"], "fine")]
)
async def test_signal_sends_its_value_as_json_where_it_reads_as_such(
    server: PlayedServer, argument: list[str], value: object
) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            command("signal", TOKEN, "approved", *argument, "--key", "k", TIDINGS_URL=server.url)
        )
        stage = await server.stage()
        await stage.snapshot(await stage.hear("watch"), 3, status="waiting")
        frame = await stage.hear("signal")
        await stage.say("done", ref=frame["ref"])
    assert running.result().returncode == 0, running.result().stderr
    assert {name: frame[name] for name in ("token", "name", "input", "key")} == {
        "token": TOKEN, "name": "approved", "input": value, "key": "k",
    }  # fmt: skip


async def test_a_signal_that_is_refused_or_has_no_name_is_one_clear_line(server: PlayedServer) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command("signal", TOKEN, "approved", TIDINGS_URL=server.url))
        stage = await server.stage()
        await stage.snapshot(await stage.hear("watch"), 3, status="running")
        refused = {"type": "t", "title": "t", "status": 409, "code": "already_finished", "detail": "it has finished"}
        await stage.say("error", ref=(await stage.hear("signal"))["ref"], problem=refused)
    assert running.result().stderr.strip() == "tidings: already_finished: it has finished"
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command("signal", TOKEN, "a b", TIDINGS_URL=server.url))
        stage = await server.stage()
        await stage.snapshot(await stage.hear("watch"), 3, status="running")
    assert running.result().stderr.startswith("tidings: 'a b' is no name of a signal")


async def test_following_a_saga_prints_each_step_as_it_moves_on(server: PlayedServer) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(command("watch", TOKEN, TIDINGS_URL=server.url))
        stage = await server.stage()
        await stage.snapshot(await stage.hear("watch"), 3, status="running")
        step = {"path": "1", "name": "reserve_stock", "type": "step"}
        for seq, status in enumerate(("running", "succeeded", "compensating", "compensated"), 4):
            await stage.event(TOKEN, seq, "step", {**step, "status": status})
        await stage.event(TOKEN, 8, "failed", {"problem": problem(compensation="complete")})
    lines = running.result().stderr
    for word in ("running", "succeeded", "being undone", "undone"):
        assert f"1  reserve_stock: {word}" in lines
