"""The checks of the store: whether it answers, how it is set, how fast it is, what its user may do."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.settings.key_prefix import show_patterns
from tidings.settings.settings import StoreSettings
from tidings.store.admin.store_access import DISPENSABLE, denied_commands
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.store_client import command, keys_of, store_of
from tidings.store.requirements.durability_rules import CHECK
from tidings.store.requirements.store_facts import StoreFacts, checks_replayed, read_facts
from tidings.store.requirements.store_rules import DEFAULT_USER, judge_default_user, judge_permissions, judge_store

from .finding import Finding, danger, ok, skipped, warning
from .store_information import Info, finding_of, judge

PINGS = 20
SLOW_MS = 5.0
"""A round trip above this, ms, half of them: an ack takes one, and the start and the end of a job each another."""
STALL_MS = 250.0
"""One round trip above this, ms: the objective of an ack."""

CLOCK_S = 2.0
"""How far clocks may differ, s: one-second timestamps of credentials, and the leeway of most issuers."""


async def check_store_itself(store: Redis, clock: Callable[[], float] = time.time) -> list[Finding]:
    """Return the findings about a store that answers.

    Args:
        store: a client of it.
        clock: this machine's wall clock, s since the epoch.

    Raises:
        StoreError: the store has gone meanwhile.

    """
    return [
        *judge(await _info(store)),
        await _latency(store),
        await _clock_of(store, clock),
        await _permissions(store),
    ]


async def check_promises(store: Redis, settings: StoreSettings) -> list[Finding]:
    """Return the findings about what `TIDINGS_DURABILITY` promises, and about each node of a cluster.

    Raises:
        StoreError: the store has gone meanwhile.

    """
    facts = await read_facts(store_of(store), config=settings.durability == "fsync")
    lacking = [found for one in facts for found in judge_store(settings, one) if found.check != DEFAULT_USER]
    found = [finding_of(one) for one in lacking if one.node or one.check == CHECK]
    if all(one.check != CHECK for one in lacking):
        found.append(ok(CHECK, f"TIDINGS_DURABILITY is {settings.durability}"))
    return [*found, *(_replay(one) for one in facts if one.user and checks_replayed(one.info))]


def _replay(facts: StoreFacts) -> Finding:
    """Return what comes back of an append-only file that a store replays with the rights of its user `default`."""
    lacking = judge_default_user(facts)
    if lacking is not None:
        return finding_of(msgspec.structs.replace(lacking.at(facts.node), refuses=True))
    if facts.replays:
        return ok(DEFAULT_USER, "the user `default` may write what the append-only file holds")
    return skipped(
        DEFAULT_USER,
        "it is not known whether the user `default`, as which this store replays its append-only file, may write",
        "grant the store's user +acl|dryrun; or see that ACL GETUSER default has +@all and ~*",
    )


async def _info(store: Redis) -> Info:
    try:
        found: Any = await command(store, "INFO")
    except StoreError:
        return {}
    return found if isinstance(found, dict) else {}


async def _latency(store: Redis) -> Finding:
    took: list[float] = []
    for _ in range(PINGS):
        begun = time.perf_counter()
        await command(store, "PING")
        took.append((time.perf_counter() - begun) * 1000)
    shown = f"a round trip takes {median(took):.2f} ms, {max(took):.2f} ms at the most of {PINGS}"
    if median(took) > SLOW_MS:
        return warning("store.latency", shown, "bring servers, workers and store nearer to one another")
    if max(took) > STALL_MS:
        return warning("store.latency", shown, "see SLOWLOG GET, its CPU, and its disk")
    return ok("store.latency", shown)


async def _clock_of(store: Redis, clock: Callable[[], float]) -> Finding:
    before = clock()
    try:
        seconds, micros = await command(store, "TIME")
    except StoreError as error:
        return skipped("store.clock", f"the store does not say its time: {error}", "grant its user +time")
    return judge_clock("store.clock", "the store's", int(seconds) + int(micros) / 1e6 - (before + clock()) / 2)


def judge_clock(check: str, whose: str, ahead_s: float, error_s: float = 0.0) -> Finding:
    """Return what the difference of a clock from this machine's means.

    Args:
        check: the name of the check.
        whose: the owner of the clock, as in "the store's".
        ahead_s: how much it is ahead of this machine's, s.
        error_s: by how much that may be wrong, s.

    """
    shown = f"{whose} clock is {abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's"
    if abs(ahead_s) > CLOCK_S + error_s:
        return warning(check, shown, "run NTP on all machines: credentials and grants expire by their clocks")
    return ok(check, shown)


async def _permissions(store: Redis) -> Finding:
    needs = show_patterns(keys_of(store).prefix)
    where = f"grant the store's user what docs/how-to/production.md lists: {needs}, commands"
    try:
        denied = await denied_commands(store, keys_of(store))
    except StoreError as error:
        return danger("store.permissions", f"the store's user may not even run scripts: {error}", where)
    user = str(store_of(store).connection_pool.connection_kwargs.get("username") or "")
    lacking = judge_permissions(denied, user, keys_of(store).prefix)
    if lacking is None:
        return ok("store.permissions", "the store's user may use all that is needed")
    vital = any(one not in DISPENSABLE for one in denied)
    return finding_of(msgspec.structs.replace(lacking, refuses=vital))
