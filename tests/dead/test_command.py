"""`tidings dead …`, as an operator types it."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import anyio
import anyio.to_thread
import pytest

from dead.world import World
from support.store import StoreProcess
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command


class Operator:
    """Somebody at a terminal, with the store's address in the environment."""

    def __init__(self, url: str) -> None:
        self._environment = {"TIDINGS_STORE_URL": url, "COLUMNS": "200"}

    async def types(self, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run a command, which ends with `code`."""
        run = partial(run_tidings, "dead", *arguments, **self._environment)
        done = await anyio.to_thread.run_sync(run)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    async def refused(self, *arguments: str, code: int = 1) -> str:
        """Run a command that is refused in one line, with this exit code; return the line."""
        done = await self.types(*arguments, code=code)
        assert done.stdout == ""
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("tidings: ")
        return line

    def begins(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "tidings", "dead", *arguments],
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def operator(store_process: StoreProcess) -> Operator:
    return Operator(store_process.url)


async def ready(world: World) -> int:
    """Return how many jobs wait."""
    return int(await command(world.store, "XLEN", StoreKeys().ready("p", "standard")))


async def letters(world: World) -> int:
    """Return how many dead letters there are."""
    return len([letter async for letter in world.dead.scan()])


async def test_list_shows_a_table_newest_first_and_json_lines(world: World, operator: Operator) -> None:
    first, second = await world.die("a", "rejected"), await world.die("b", "timeout")
    table = (await operator.types("list")).stdout
    for text in ("token", "kind", "attempts", "when", "code", "detail", str(first), "told as rejected"):
        assert text in table
    assert table.index(str(second)) < table.index(str(first))
    lines = [json.loads(line) for line in (await operator.types("list", "--json")).stdout.splitlines()]
    assert [(line["token"], line["kind"], line["problem"]["code"]) for line in lines] == [
        (str(second), "b", "timeout"),
        (str(first), "a", "rejected"),
    ]
    assert [line["input"] for line in lines] == [{"n": 1}] * 2


async def test_list_is_narrowed_by_flags_and_says_when_there_is_more(world: World, operator: Operator) -> None:
    tokens = [str(await world.die(kind, "timeout")) for kind in ("a", "b", "a")]
    narrowed = (await operator.types("list", "--kind", "b", "--newer-than", "1h", "--queue", "p", "--json")).stdout
    assert [json.loads(line)["token"] for line in narrowed.splitlines()] == [tokens[1]]
    assert "no such dead letter" in (await operator.types("list", "--older-than", "1h")).stdout
    limited = await operator.types("list", "--limit", "2")
    assert tokens[0] not in limited.stdout
    assert "more than 2" in limited.stderr


async def test_show_prints_everything(world: World, operator: Operator) -> None:
    token = await world.die(owner="ann", correlation_id="corr")
    text = (await operator.types("show", str(token))).stdout
    for part in (
        *(str(token), "k, version 2", "p, tier standard", "after 1 attempt", "ann", "corr"),
        *("handler_error: told as handler_error", "attempt 1 failed on w1", '"n": 1', "raise Reject", "submitted"),
    ):
        assert part in text, text
    found = json.loads((await operator.types("show", str(token), "--json")).stdout)
    assert (found["token"], found["input"], found["history"][0]["event"]) == (str(token), {"n": 1}, "failed")
    assert "raise Reject" in found["traceback"]


@pytest.mark.parametrize("verb", ["replay", "drop"])
async def test_without_yes_it_is_only_said_what_would_be_done(world: World, operator: Operator, verb: str) -> None:
    token, other = await world.die(), await world.die()
    before = await world.hash(token)
    said = (await operator.types(verb, "--all")).stdout
    assert "2 dead letters would be" in said
    assert "--yes" in said
    assert str(token) in said
    assert str(other) in said
    assert await world.hash(token) == before
    assert (await letters(world), await ready(world)) == (2, 0)


async def test_replay_puts_what_is_selected_back(world: World, operator: Operator) -> None:
    tokens = [await world.die(kind) for kind in ("a", "b", "a", "a")]
    await world.expire(tokens[3])
    assert "2 dead letters replayed." in (
        await operator.types("replay", str(tokens[0]), str(tokens[3]), "--yes")
    ).stdout  # fmt: skip
    assert (await letters(world), await ready(world)) == (2, 2)
    assert "1 dead letter replayed." in (await operator.types("replay", "--kind", "b", "--yes")).stdout
    assert [(await world.record(token)).state for token in tokens] == ["queued", "queued", "failed", "queued"]
    assert "1 dead letter replayed." in (await operator.types("replay", "--all", "--yes")).stdout
    assert "no such dead letter" in (await operator.types("replay", "--all", "--yes")).stdout
    assert await ready(world) == 4


async def test_drop_removes_what_is_selected(world: World, operator: Operator) -> None:
    token, _ = await world.die(code="rejected"), await world.die(code="timeout")
    assert "1 dead letter dropped." in (await operator.types("drop", "--code", "rejected", "--yes")).stdout
    assert (await letters(world), await ready(world)) == (1, 0)
    assert (await world.record(token)).state == "failed"


async def test_two_replays_at_the_same_time_do_no_harm(world: World, operator: Operator) -> None:
    tokens = [await world.die() for _ in range(60)]
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(operator.types, "replay", "--all", "--yes", "--rate", "200")
    assert (await letters(world), await ready(world)) == (0, 60)
    assert {(await world.hash(token))[b"replays"] for token in tokens} == {b"1"}


async def test_a_replay_that_is_interrupted_can_be_run_again(world: World, operator: Operator) -> None:
    for _ in range(40):
        await world.die()
    process = operator.begins("replay", "--all", "--yes", "--rate", "1")
    await until_async(lambda: letters(world), lambda left: left < 40, seconds=60)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = await anyio.to_thread.run_sync(lambda: process.communicate(timeout=scaled(60)))
    assert process.returncode == 130, err
    assert "run it again" in out
    assert "Traceback" not in err
    left = await letters(world)
    assert 0 < left < 40
    assert await ready(world) == 40 - left
    await operator.types("replay", "--all", "--yes", "--rate", "1000")
    assert (await letters(world), await ready(world)) == (0, 40)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay"], "nothing is selected to replay: give tokens, or --kind"),
        (["drop", "--yes", "--queue", "p"], "nothing is selected to drop"),
        (["drop", "p." + "a" * 22, "--all"], "only one of them"),
        (["show", "p." + "a" * 22], "there is no dead letter of p.aaaa"),
        (["replay", "p." + "a" * 22, "--yes"], "there is no dead letter of p.aaaa"),
        (["replay", "nonsense"], "'nonsense' is not a token"),
        (["list", "--older-than", "soon"], "--older-than soon: a duration is a number"),
        (["list", "--queue", "q"], "there is no queue 'q'; known: p"),
    ],
)
async def test_a_mistake_gets_one_clear_line(world: World, operator: Operator, arguments: list[str], says: str) -> None:
    assert says in await operator.refused(*arguments)


async def test_a_store_that_does_not_answer_has_an_exit_code_of_its_own(world: World, operator: Operator) -> None:
    said = await operator.refused("list", "--store-url", "redis://127.0.0.1:1", code=3)
    assert "no store answers at redis://127.0.0.1:1" in said


async def test_a_token_that_has_no_letter_stops_the_others_too(world: World, operator: Operator) -> None:
    token = await world.die()
    await operator.refused("replay", str(token), "p." + "a" * 22, "--yes")
    assert await letters(world) == 1
