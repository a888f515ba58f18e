"""A load of submissions to a queue that an operator spreads meanwhile, and what is exact of it all the same."""

import contextlib
import os
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio

from support.peer import Peer, peer
from support.system import ServerProcess
from support.waiting import until_async
from tidings.protocol.tokens import parse_token

KINDS = str(Path(__file__).with_name("kinds.py"))

SPREADS = int(os.environ.get("TIDINGS_TEST_SPREADS", "1"))
"""How often the queue is spread over 8 partitions and then over 3, under load (`make soak-partitions`)."""


def place(token: str) -> str:
    """Return the partition of a job."""
    parsed = parse_token(token)
    assert parsed is not None
    return parsed.partition


async def submit(client: Peer, kind: str, *, key: str = "", watch: bool = True, **given: Any) -> dict[str, Any]:
    """Submit a job, and return its ack."""
    ack = await client.submit(kind, given, watch=watch, **({"key": key} if key else {}))
    assert ack["type"] == "ack", ack
    return ack


class Load:
    """Submissions of all kinds by several clients, keys among them that come again and again."""

    def __init__(self, note: Path) -> None:
        self.note = str(note)
        self.tokens: defaultdict[str, set[str]] = defaultdict(set)
        """Key → the tokens that clients got for it."""
        self.all: set[str] = set()
        self.over = False

    async def run(self, client: Peer, first: int) -> None:
        """Submit until told to stop."""
        number = first
        while not self.over:
            number += 1
            # Each key comes three times from each client, at different times.
            for back in (0, 7, 23):
                if number - back > first:
                    key = f"key-{number - back}"
                    ack = await submit(client, "keyed", path=self.note, n=number - back, key=key, watch=False)
                    self.tokens[key].add(ack["token"])
                    self.all.add(ack["token"])
            for kind, given in (
                ("plain", {"n": number}),
                ("limited", {"n": number}),
                ("single", {"value": f"v{number % 3}"}),
            ):
                self.all.add((await submit(client, kind, path=self.note, watch=False, **given))["token"])

    async def until(self, more: int) -> None:
        """Return when so many more keys have come."""
        wanted = len(self.tokens) + more
        await until_async(lambda: len(self.tokens) >= wanted)


async def assert_exact_while_spread(
    servers: Sequence[ServerProcess], note: Path, spread: Callable[[int], Awaitable[object]]
) -> set[str]:
    """Spread a queue over 8 partitions and over 3 under load, and check every job; return where jobs went.

    Args:
        servers: a client of each submits the same keys.
        note: the file into which the jobs write.
        spread: spreads the queue over so many partitions.

    """
    load = Load(note)
    async with contextlib.AsyncExitStack() as clients, anyio.create_task_group() as tasks:
        for server in servers:
            client = await clients.enter_async_context(peer(server.socket_url))
            tasks.start_soon(load.run, client, 0)
        for count in (8, 3) * SPREADS:
            await load.until(12)
            await spread(count)
        await load.until(30)
        load.over = True
    async with peer(servers[0].socket_url) as client:
        for token in load.all:
            await client.send("watch", token=token)
        ends = await client.ends(*load.all)
    assert Counter(ends.values()) == {"succeeded": len(load.all)}
    assert all(len(tokens) == 1 for tokens in load.tokens.values()), "each key has one token"
    _check_runs(load)
    return {place(token) for token in load.all}


def _check_runs(load: Load) -> None:
    keyed: Counter[str] = Counter()
    running: Counter[str] = Counter()
    for line in Path(load.note).read_text().splitlines():
        name, sign = line.split(" ")
        if name == "keyed":
            keyed[f"key-{sign}"] += 1
        elif name != "plain":
            running[name] += 1 if sign == "+" else -1
            assert running[name] <= (2 if name == "limited" else 1), f"too many run: {name}"
    assert keyed == dict.fromkeys(load.tokens, 1), "the job of each key ran once"
