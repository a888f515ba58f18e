"""One job for each idempotency key, however a queue is spread meanwhile, and whatever servers know of that."""

import itertools
import time
from collections import defaultdict
from typing import Any

import anyio
import anyio.abc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from partitions.lagging_servers import KEYS, Registered, Server
from support.store import StoreProcess
from tidings.store.redis.store_client import command, open_store
from tidings_server.jobs.answer_tasks import AnswerTasks
from tidings_server.kinds import partition_choice

_queues = itertools.count()


spreads = st.tuples(st.just("spread"), st.sampled_from([1, 2, 3, 8]), st.sampled_from([[], ["a"], ["a", "b"]]))
learns = st.tuples(st.just("learn"), st.integers(0, 1))
submits = st.tuples(st.just("submit"), st.integers(0, 1), st.sampled_from("ab"), st.sampled_from("xy"), st.booleans())


EACH_BY_0, EACH_BY_1 = ([("submit", server, "a", key, True) for key in "vwxyz"] for server in (0, 1))


@given(st.lists(st.one_of(spreads, learns, submits, submits, submits), min_size=3, max_size=25))
@example([("spread", 8, []), ("learn", 1), *EACH_BY_1, *EACH_BY_0])
@example([*EACH_BY_0, ("spread", 8, []), ("learn", 1), *EACH_BY_1])
@example([("spread", 8, []), ("learn", 0), *EACH_BY_0, ("spread", 1, []), ("learn", 1), *EACH_BY_1])
@example([("spread", 8, []), ("learn", 0), *EACH_BY_0, ("spread", 8, ["a"]), ("learn", 1), *EACH_BY_1])
@example([("spread", 8, []), ("learn", 0), ("spread", 3, []), ("learn", 1), *EACH_BY_1, *EACH_BY_0])
@example([*EACH_BY_0, ("spread", 8, []), ("spread", 3, []), ("learn", 1), *EACH_BY_1])
@settings(max_examples=50)
def test_a_key_gets_one_job_while_the_queue_is_spread_and_servers_lag(
    store_process: StoreProcess, steps: list[tuple[Any, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # All servers here learn at once when they ask: what they do not know then, they never will.
        patch.setattr(partition_choice, "LEARN_WITHIN_S", 0.05)
        anyio.run(_walk, store_process.url, steps)


async def _walk(url: str, steps: list[tuple[Any, ...]]) -> None:
    store = open_store(url)
    registered, told = Registered(f"q{next(_queues)}x"), defaultdict[tuple[str, str], set[str]](set)
    tasks = AnswerTasks()
    try:
        async with anyio.create_task_group() as group:
            tasks.group = group
            servers = [Server(store, registered, tasks, f"g{number}") for number in range(2)]
            async with servers[0].jobs, servers[1].jobs, anyio.create_task_group() as clients:
                for step in steps:
                    await _take(step, servers, registered, told, clients)
            found = await command(store, "KEYS", f"{KEYS.root(registered.queue)[:-2]}*}}:job:*")
    finally:
        await store.aclose()
    assert all(len(tokens) == 1 for tokens in told.values()), told
    assert len(found) == len(told), "no job was made beside"


async def _take(
    step: tuple[Any, ...],
    servers: list[Server],
    registered: Registered,
    told: defaultdict[tuple[str, str], set[str]],
    clients: anyio.abc.TaskGroup,
) -> None:
    if step[0] == "spread":
        registered.spread(step[1], step[2], int(time.time() * 1000))
    elif step[0] == "learn":
        servers[step[1]].learn()
    else:
        _, server, kind, key, waits = step

        async def submit() -> None:
            told[kind, key].add(await servers[server].submit(kind, key))

        if waits:
            await submit()
        else:
            clients.start_soon(submit)
            await anyio.lowlevel.checkpoint()
