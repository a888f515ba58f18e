"""The scripts as a library: the same as their texts, loaded when it is missing, and done without where it is denied."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from support.store import StoreProcess, running_store
from tidings.protocol.tokens import new_token
from tidings.store.availability.store_errors import ScriptError, StoreFullError
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.lua_library import MAX_COPIES, build_library, keep_used
from tidings.store.redis.script import Script, library
from tidings.store.redis.store_client import command, open_store

COUNT = Script("count", tuple[int, int, int, list[tuple[int, int, int]]])
ROOT = StoreKeys().root("p")


@pytest.fixture(scope="module")
def own_process() -> Iterator[StoreProcess]:
    with running_store() as process:
        yield process


@pytest.fixture
async def fresh(own_process: StoreProcess) -> Any:
    """A store of one's own, which knows no function and whose users may do everything."""
    client = open_store(own_process.url)
    await client.flushall()
    await command(client, "FUNCTION", "FLUSH")
    await command(client, "SCRIPT", "FLUSH")
    yield client
    await command(client, "CONFIG", "SET", "maxmemory", "0")
    await client.aclose()


async def calls(store: Redis) -> dict[str, int]:
    stats = await store.info("commandstats")
    return {name.removeprefix("cmdstat_"): stats[name]["calls"] for name in stats}


async def count(store: Redis) -> list[tuple[int, int]]:
    *_, tiers = await COUNT(store, ROOT, (["standard"],))
    return [(waiting, running) for waiting, running, _ in tiers]


async def submit(store: Redis) -> str:
    async with JobStore(store, StoreKeys(), "g") as gateway:
        return (await gateway.submit("p", NewJob(new_token("p").id, "k", "standard", "[]"))).answer


async def test_a_new_store_is_given_the_library_once_and_one_that_forgot_again(fresh: Redis) -> None:
    assert [await submit(fresh), await submit(fresh)] == ["new", "new"]
    loaded = await command(fresh, "FUNCTION", "LIST")
    assert len(loaded) == 1
    assert (await calls(fresh)).get("evalsha", 0) == 0
    await command(fresh, "FUNCTION", "FLUSH")
    assert await submit(fresh) == "new"
    assert await count(fresh) == [(3, 0)]


async def test_calls_that_find_no_library_at_once_are_all_answered(fresh: Redis) -> None:
    answers = [COUNT(fresh, ROOT, (["standard"],)) for _ in range(5)]
    assert [(await answer)[1:] for answer in answers] == [(0, 0, [(0, 0, 0)])] * 5


@pytest.mark.parametrize("denied", ["-fcall", "-function", "-fcall -function"])
async def test_a_user_who_may_not_call_functions_has_scripts(
    fresh: Redis, own_process: StoreProcess, denied: str
) -> None:
    await command(fresh, "ACL", "SETUSER", "plain", "reset", "on", ">secret", "~*", "&*", "+@all", *denied.split())
    before = await calls(fresh)
    client = open_store(own_process.url.replace("://", "://plain:secret@"))
    try:
        for _ in range(3):
            assert await submit(client) == "new"
    finally:
        await client.aclose()
    after = await calls(fresh)
    assert after.get("evalsha", 0) - before.get("evalsha", 0) == 3
    assert after.get("fcall", 0) - before.get("fcall", 0) <= 1  # it asks once


async def test_a_full_store_without_the_library_still_runs_what_empties_it(fresh: Redis) -> None:
    await command(fresh, "CONFIG", "SET", "maxmemory", "1")
    assert await count(fresh) == [(0, 0)]
    with pytest.RaisesGroup(StoreFullError):
        await submit(fresh)
    await command(fresh, "CONFIG", "SET", "maxmemory", "0")
    assert await submit(fresh) == "new"
    assert len(await command(fresh, "FUNCTION", "LIST")) == 1


async def test_what_a_call_left_behind_when_it_failed_is_not_there_in_the_next(fresh: Redis) -> None:
    await submit(fresh)
    before = await count(fresh)
    with pytest.raises(ScriptError):
        await Script("submit", list[Any])(fresh, ROOT, ("p", "g", 1000, 10, 10, 10, 8, 1000, [["half", "k"]]))
    with pytest.raises(ScriptError):
        await COUNT(fresh, ROOT, ("not a list",))
    assert await count(fresh) == before
    assert await submit(fresh) == "new"


PRELUDE = """\
-- What stands before.
local root = KEYS[1] -- the root
local LIMIT = 3
local seen = {}
local at
local function note(word) seen[#seen + 1] = word end
"""
BODY = """\
#!lua flags=allow-oom,no-writes
-- args = { words }
local words, most = unpack(cmsgpack.unpack(ARGV[1])), LIMIT
local function room()
  return #seen < most
end
for _, word in ipairs(words) do
  if room() then note(word) end
end
at = at or 'new'
return { at, #seen, root }
"""


SHARED = "local root\nlocal LIMIT = 3\nlocal seen\nlocal at\nlocal function note(word) seen[#seen + 1] = word end\n"
SET = "root = KEYS[1]\nseen = {}\nat = nil\n"


def registered(name: str, copied: str, set_again: str) -> str:
    """Return how the library has `BODY` as the function `name`."""
    return (
        f"(function()\n{copied}"
        "local words, most\n"
        "local function room()\n  return #seen < most\nend\n"
        f"redis.register_function{{ function_name = '{name}', flags = {{ 'allow-oom', 'no-writes' }},\n"
        f"callback = function(KEYS, ARGV)\nbegin(KEYS, ARGV)\n{set_again}"
        "words, most = unpack(cmsgpack.unpack(ARGV[1])), LIMIT\n"
        "for _, word in ipairs(words) do\n  if room() then note(word) end\nend\n"
        "at = at or 'new'\nreturn { at, #seen, root }\n"
        "end }\nend)();\n"
    )


def test_definitions_are_made_once_and_variables_are_set_by_each_call() -> None:
    scripts = [f"take_{number}" for number in range(MAX_COPIES + 1)]
    made = build_library(PRELUDE, dict.fromkeys(scripts, BODY))
    name = made.functions["take_0"].removesuffix("_take_0")
    assert re.fullmatch(r"tidings_[0-9a-f]{12}", name)
    assert made.text == (
        f"#!lua name={name}\n{SHARED}local function begin(KEYS, ARGV)\n{SET}end\n"
        + "".join(registered(made.functions[script], "\n", "\n") for script in scripts)
    )


def test_what_few_scripts_use_stands_in_each_of_them() -> None:
    scripts = [f"take_{number}" for number in range(MAX_COPIES)]
    made = build_library(PRELUDE, dict.fromkeys(scripts, BODY))
    assert made.text.split("\n", 1)[1] == (
        "\nlocal function begin(KEYS, ARGV)\n\nend\n"
        + "".join(registered(made.functions[script], SHARED, SET) for script in scripts)
    )


def test_a_script_s_text_has_what_it_uses_of_the_shared_one_and_no_more() -> None:
    shared = (
        f"{PRELUDE}local MORE = LIMIT + 1\nlocal function full()\n  return #seen >= MORE\nend\nlocal spare, rest = 1\n"
    )
    assert keep_used(shared, "-- note\nreturn full()\n") == (
        "local LIMIT = 3\nlocal seen = {}\nlocal MORE = LIMIT + 1\nlocal function full()\n  return #seen >= MORE\nend\n"
    )
    assert keep_used(shared, "return rest\n") == "local spare, rest = 1\n"
    assert keep_used(f"{shared}spare = 2\n", "") == "local spare, rest = 1\nspare = 2\n"


def test_another_text_is_another_library() -> None:
    texts = [(PRELUDE, BODY), (PRELUDE, BODY + "\n"), (PRELUDE + "\n", BODY)]
    names = {build_library(prelude, {"take": body}).functions["take"] for prelude, body in texts}
    assert len(names) == len(texts)


def test_tables_that_are_made_once_are_never_written_to() -> None:
    text = library().text
    tables = re.findall(r"^local ([A-Z][A-Z0-9_]*) = \{", text, re.MULTILINE)
    assert {"NEXT", "REPLAY", "FIELDS"} <= set(tables)
    # Decision 34 says why the first is, and why no result depends on it; the others keep what a text says by itself.
    for table in set(tables) - {"FOLLOWED", "NUMBER_OF", "DIGITS_OF"}:
        assert not re.search(rf"\b{table}(\.\w+|\[[^]]*\]) = ", text), table
        assert not re.search(rf"table\.(insert|remove|sort)\({table}\b", text), table
