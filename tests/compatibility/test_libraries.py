"""Libraries of functions of several releases stand side by side in one store."""

import redis

from support.store import StoreProcess
from tidings.store.redis.lua_library import LuaLibrary, build_library

SHARED = "local function answer(text)\n  return text\nend\n"


def release(text: str) -> LuaLibrary:
    """Return the library of a release whose one script says a text."""
    return build_library(SHARED, {"say": f"return answer('{text}')\n"})


def test_each_release_calls_its_own_functions_however_often_they_take_turns(store_process: StoreProcess) -> None:
    before, after = release("before"), release("after")
    with redis.Redis.from_url(store_process.url) as store:
        store.flushall()
        for library in (before, after):  # neither replaces the other
            store.function_load(library.text)
        for _ in range(3):
            for library, text in ((before, b"before"), (after, b"after")):
                assert store.fcall(library.functions["say"], 1, "t:{q}:") == text


def test_the_same_scripts_are_one_library_in_every_process() -> None:
    assert release("same") == release("same")
