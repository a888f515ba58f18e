"""Whether Tidings can work with a store: its version, what its user may do, what it does when it is full. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tidings.settings.settings import StoreSettings
from tidings.store.admin.store_access import DISPENSABLE, KEYED
from tidings.store.retention import NO_EVICTION

from .durability_rules import judge_durability
from .shortfall import Shortfall
from .store_facts import StoreFacts

LEAST_VERSION: Final = (7, 0)
"""Of Redis, and of Valkey, which began there: functions, and rules of access within scripts."""

TAKE: Final = "take Redis 7.0, Valkey 7.2, or newer"

EVICTION: Final = "store.eviction"
DEFAULT_USER: Final = "store.default_user"
COVERAGE: Final = "store.coverage"

GUIDE: Final = "docs/how-to/production.md"


def judge_store(settings: StoreSettings, facts: StoreFacts) -> Iterator[Shortfall]:
    """Yield what a store, or a node, lacks of what the settings need."""
    for one in (
        judge_version(facts.info),
        judge_eviction(facts.info, allowed=settings.allow_eviction),
        judge_permissions(facts.denied, facts.user, settings.key_prefix),
        judge_default_user(facts),
        judge_coverage(facts.config),
    ):
        if one is not None:
            yield one.at(facts.node)
    yield from judge_durability(settings, facts)


def version_of(info: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    """Return a store's name and version as people read them, and its version; empty: it does not say."""
    text = str(info.get("valkey_version") or info.get("redis_version", ""))
    digits = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    return f"{info.get('server_name') or 'redis'} {text}", digits if len(digits) == 2 else ()


def judge_version(info: Mapping[str, Any]) -> Shortfall | None:
    """Return what is wrong with a store's version; None: nothing, or it does not say."""
    shown, version = version_of(info)
    if not version or version >= LEAST_VERSION:
        return None
    return Shortfall(check="store.version", says=f"{shown} lacks what Tidings needs", do=TAKE, refuses=True)


def judge_eviction(info: Mapping[str, Any], *, allowed: bool) -> Shortfall | None:
    """Return what is wrong with a store's policy for a full memory; None: nothing, or it does not say.

    Args:
        info: the fields of `INFO`.
        allowed: whether the operator has said that it may evict.

    """
    policy = str(info.get("maxmemory_policy", ""))
    if policy in ("", NO_EVICTION):
        return None
    return Shortfall(
        check=EVICTION,
        says=f"{policy}: it deletes acknowledged jobs when its memory is full",
        do="CONFIG SET maxmemory-policy noeviction, and the same in its configuration"
        + ("" if allowed else ", or TIDINGS_ALLOW_EVICTION=true here"),
        refuses=not allowed,
    )


def judge_permissions(denied: Sequence[str] | None, user: str, key_prefix: str) -> Shortfall | None:
    """Return what a store's user may not do that is needed; None: nothing, or that is unknown.

    A process starts all the same: what it may not do fails when it is wanted, a server that lacks what it cannot do
    without is not ready, and all works as soon as the rule is there.

    Args:
        denied: commands that the user may not use, or not with the keys and channels of Tidings.
        user: its name.
        key_prefix: what stands before every key and channel of the installation.

    """
    if not denied:
        return None
    lacking = [one for one in denied if one not in DISPENSABLE]
    return Shortfall(
        check="store.permissions",
        says=f"the store's user may not use {', '.join(lacking or denied)}"
        + ("" if lacking else ": all works, slower"),
        do=f"ACL SETUSER {user or 'default'} {_rules(lacking or denied, key_prefix)} (all that is needed: {GUIDE})",
        refuses=False,
    )


def _rules(denied: Sequence[str], key_prefix: str) -> str:
    """Return the rules that permit some commands."""
    if set(denied) >= set(KEYED):  # each of them by chance is as good as impossible
        return f"~{key_prefix}:*"
    rules = ["+" + one.lower().replace(" ", "|") for one in denied]
    if any(one in ("PUBLISH", "SUBSCRIBE", "SPUBLISH", "SSUBSCRIBE") for one in denied):
        rules.append(f"&{key_prefix}:*")
    return " ".join(rules)


def judge_default_user(facts: StoreFacts) -> Shortfall | None:
    """Return what a store would lose when it starts again; None: nothing, or it is unknown.

    A process starts all the same: nothing is lost while the store runs, and the line mends it there and then.
    """
    if facts.replays is not False:
        return None
    return Shortfall(
        check=DEFAULT_USER,
        says=f"{version_of(facts.info)[0]} replays its append-only file with the rights of its user `default`, which "
        "may not write: when it starts again it drops the jobs that it wrote since the file's last rewrite",
        do="ACL SETUSER default off resetpass ~* &* +@all (off: no client is this user), and the same where "
        "its users are configured",
        refuses=False,
    )


def judge_coverage(config: Mapping[str, str]) -> Shortfall | None:
    """Return what is wrong with what a node of a cluster does when another is lost; None: nothing, or it is unknown."""
    if config.get("cluster-require-full-coverage") != "yes":
        return None
    return Shortfall(
        check=COVERAGE,
        says="cluster-require-full-coverage is yes: one node that is lost without a replica stops all queues",
        do="CONFIG SET cluster-require-full-coverage no, and the same in its configuration, on each node",
        refuses=False,
    )
