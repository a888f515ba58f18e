"""The function libraries of the scripts say the same as the Python that stands beside them."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from tidings.protocol.events import EventClass
from tidings.protocol.states import REPLAY, TERMINAL, TRANSITIONS, State
from tidings.store.keys import BREAKERS, GROUP, REGISTRY, StoreKeys
from tidings.store.redis.lua_library import keep_used
from tidings.store.redis.script import FUNCTION_LIBRARIES, OWN_LIBRARIES, script_text, shared_text

ROOT = StoreKeys().root("p")
FOLDER = resources.files("tidings.store") / "lua"
SCRIPTS = [script for room in FOLDER.iterdir() if room.name != "lib" for script in room.iterdir()]


FULL_STORE_RUNS = {
    *("start", "report", "beat", "cancel", "promote", "leave", "once", "watch"),
    *("join", "appear", "sweep", "dead_drop", "recur", "step", "journal", "wake", "outbox", "find_lost"),
    *("take_over", "count", "list", "kinds", "kinds_seen", "log", "stream_read", "expire", "fields"),
    *("breaker", "release", "owned", "forget", "take_unserved", "permitted", "saga_act"),
    *("group_join", "group_take", "group_settle", "group_seek", "group_pause", "groups", "events_read"),
    *("webhook_take", "webhook_report", "webhook_act", "webhook_list", "webhook_count"),
}
"""What ends work or frees memory, and what that needs."""


def test_a_full_store_refuses_submissions_and_runs_what_empties_it() -> None:
    for path in SCRIPTS:
        name = path.name.removesuffix(".lua")
        first = script_text(name).split("\n", 1)[0]
        assert first == ("#!lua flags=allow-oom" if name in FULL_STORE_RUNS else "#!lua"), name


def test_every_function_library_is_loaded() -> None:
    with resources.as_file(FOLDER / "lib") as folder:
        found = {path.relative_to(folder).as_posix().removesuffix(".lua") for path in folder.rglob("*.lua")}
    assert found == {*FUNCTION_LIBRARIES, *OWN_LIBRARIES}


def test_no_two_folders_hold_a_script_of_the_same_name() -> None:
    assert len({script.name for script in SCRIPTS}) == len(SCRIPTS)


FUNCTION = re.compile(r"\bfunction\b[^(\n]*\(([^)]*)\)")


def test_no_function_of_the_scripts_has_more_than_eight_parameters() -> None:
    texts = [shared_text(), *(path.read_text(encoding="utf-8") for path in SCRIPTS)]
    counted = [len(parameters.split(",")) for text in texts for parameters in FUNCTION.findall(text)]
    assert len(counted) > 100
    assert max(counted) <= 8


async def evaluate(store: Redis, lua: str, *args: Any) -> Any:
    """Run a few lines after the function libraries and return what they return, by MessagePack."""
    text = f"#!lua\n{keep_used(shared_text(), lua)}{lua}"
    packed = await store.eval(text, 1, ROOT, msgspec.msgpack.encode(list(args)))
    return msgspec.msgpack.decode(packed)


@pytest.mark.parametrize(("name", "table"), [("NEXT", TRANSITIONS), ("REPLAY", REPLAY)])
async def test_both_hold_the_same_transitions(store: Redis, name: str, table: Mapping[State, frozenset[State]]) -> None:
    rows = await evaluate(
        store,
        f"""
        local rows = {{}}
        for state, after in pairs({name}) do
          rows[state] = {{}}
          for to in string.gmatch(after, '%S+') do table.insert(rows[state], to) end
        end
        return cmsgpack.pack(rows)
        """,
    )
    found = {state: set(after) for state, after in rows.items()}
    assert found == {str(state): {str(to) for to in after} for state, after in table.items()}


@pytest.mark.parametrize("state", State)
async def test_a_replay_may_do_what_its_table_says_and_no_more(store: Redis, state: State) -> None:
    allowed = await evaluate(store, "return cmsgpack.pack(may_replay(args[1], 'queued'))", str(state))
    assert allowed is (State.QUEUED in REPLAY.get(state, ()))


@pytest.mark.parametrize("state", State)
async def test_both_agree_on_what_is_terminal(store: Redis, state: State) -> None:
    assert await evaluate(store, "return cmsgpack.pack(terminal(args[1]))", str(state)) is (state in TERMINAL)


async def test_both_make_the_same_keys(store: Redis) -> None:
    made = await evaluate(
        store,
        """
        return cmsgpack.pack({
          ready_key('x'), job_key('j'), log_key('j'), chunks_key('j', 's'), scheduled_key, dead_key, kinds_key,
          workers_key, worker_key('w'), upkeep_key('q/x'),
          GROUP, callers_key, flow_key('x'), unique_key('k:v'), recurring_key, held_key('b'), released_key,
          breakers_key, breakers_changed, breaker_key('b'), caller_bytes_key, deadlines_key,
          owned_key('ann'),
          webhook_key('pending'), webhook_key('due', 'host:1')
        })
        """,
    )
    keys = StoreKeys()
    assert made == [
        keys.ready("p", "x"),
        keys.job("p", "j"),
        keys.log("p", "j"),
        keys.chunks("p", "j", "s"),
        keys.scheduled("p"),
        keys.dead("p"),
        keys.kinds.replace(REGISTRY, "p"),
        keys.workers.replace(REGISTRY, "p"),
        keys.worker("w").replace(REGISTRY, "p"),
        keys.upkeep("q/x").replace(REGISTRY, "p"),
        GROUP,
        keys.callers("p"),
        keys.flow("p", "x"),
        keys.unique("p", "k:v"),
        keys.recurring("p"),
        keys.held("p", "b"),
        keys.released("p"),
        keys.breakers.replace(f"{{{BREAKERS}}}", "{p}"),
        keys.breakers_changed.replace(f"{{{BREAKERS}}}", "{p}"),
        keys.breaker("b").replace(f"{{{BREAKERS}}}", "{p}"),
        keys.caller_bytes("p"),
        keys.deadlines("p"),
        keys.owned("p", "ann"),
        keys.webhook("p", "pending"),
        keys.webhook("p", "due", "host:1"),
    ]


async def test_both_number_the_classes_of_events_alike(store: Redis) -> None:
    assert await evaluate(store, "return cmsgpack.pack({ PROGRESS, LOG, CHANGE, FINAL })") == [
        EventClass.PROGRESS,
        EventClass.LOG,
        EventClass.CHANGE,
        EventClass.FINAL,
    ]


@pytest.mark.parametrize(
    "ms", [0, 951_782_399_999, 951_868_800_000, 1_709_164_799_000, 1_735_689_599_999, 4_102_444_800_001]
)
async def test_times_are_written_as_python_writes_them(store: Redis, ms: int) -> None:
    expected = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert await evaluate(store, "return cmsgpack.pack(rfc3339(args[1]))", ms) == expected


def test_every_script_says_what_it_takes_and_returns() -> None:
    assert len(SCRIPTS) > 10
    for path in SCRIPTS:
        name, head = path.name, path.read_text(encoding="utf-8")
        assert re.search(r"^-- .*args = ", head, re.MULTILINE), name
        assert "Reply:" in head, name
        assert "Atomic, because" in head, name


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".lua") for path in SCRIPTS))
async def test_each_script_is_compiled_by_its_text(store: Redis, name: str) -> None:
    """Lua allows each function 200 local variables, and 60 of the functions around it."""
    assert await store.script_load(script_text(name)) == hashlib.sha1(script_text(name).encode()).hexdigest()  # noqa: S324
