"""What a store says of itself by `INFO`, and what is to be thought of it; no I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

from tidings.store.admin.queue_stats import NEARLY_FULL
from tidings.store.requirements.shortfall import Shortfall
from tidings.store.requirements.store_rules import TAKE, judge_eviction, judge_version, version_of

from .finding import Finding, danger, ok, skipped, warning

CLIENTS_SHARE = 0.8
"""The share of the connections that a store admits above which operators are warned."""

Info = Mapping[str, Any]
"""The fields of `INFO`; empty: the store's user may not ask."""


def judge(info: Info) -> Iterator[Finding]:
    """Yield what a store's own words mean."""
    if not info:
        yield skipped(
            "store.version", "the store's user may not ask INFO", "grant it +info: without it much stays unknown"
        )
        return
    yield _version(info)
    yield _role(info)
    yield _eviction(info)
    yield _memory(info)
    yield from _persistence(info)
    yield _clients(info)
    yield _allocator(info)


def finding_of(lacking: Shortfall) -> Finding:
    """Return what a store lacks as a finding."""
    where = f"node {lacking.node}: " if lacking.node else ""
    tell = danger if lacking.refuses else warning
    return tell(lacking.check, where + lacking.says, lacking.do)


def _version(info: Info) -> Finding:
    shown, version = version_of(info)
    if not version:
        return skipped("store.version", f"it says {shown!r} of its version", TAKE)
    lacking = judge_version(info)
    return ok("store.version", shown) if lacking is None else finding_of(lacking)


def _role(info: Info) -> Finding:
    if info.get("role") == "slave":
        where = f"{info.get('master_host')}:{info.get('master_port')}"
        return danger("store.role", f"it is a replica of {where}, and takes no writes", "name the primary's address")
    return ok("store.role", f"a primary with {info.get('connected_slaves', 0)} replicas")


def _eviction(info: Info) -> Finding:
    policy = str(info.get("maxmemory_policy", ""))
    if not policy:
        return skipped("store.eviction", "it does not say what it does when it is full", "see its maxmemory-policy")
    lacking = judge_eviction(info, allowed=False)
    return ok("store.eviction", policy) if lacking is None else finding_of(lacking)


def _memory(info: Info) -> Finding:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit:
        return warning(
            "store.memory",
            f"{_mb(used)} in use, and no limit: the kernel kills it when the machine has no more",
            "set maxmemory below what the machine has, with room for a rewrite of its file",
        )
    shown = f"{_mb(used)} of {_mb(limit)} in use ({used / limit:.0%})"
    if used > NEARLY_FULL * limit:
        return danger(
            "store.memory",
            f"{shown}; full, it takes no submissions",
            "lower TIDINGS_RESULT_TTL_S, start workers, drop dead letters, or raise maxmemory",
        )
    return ok("store.memory", shown)


def _persistence(info: Info) -> Iterator[Finding]:
    if not int(info.get("aof_enabled", 0)):
        yield danger(
            "store.persistence",
            "no append-only file: acknowledged jobs are lost when its process ends",
            "CONFIG SET appendonly yes, and the same in its configuration",
        )
        return
    for field, what in (("aof_last_write_status", "write"), ("aof_last_bgrewrite_status", "rewrite")):
        if info.get(field) not in (None, "ok"):
            yield danger(
                "store.persistence",
                f"the last {what} of its append-only file failed: {info[field]}",
                "see its log; is its disk full?",
            )
            return
    base, size = int(info.get("aof_base_size", 0)), int(info.get("aof_current_size", 0))
    yield ok("store.persistence", f"append-only file of {_mb(size)}, {_mb(base)} after its last rewrite")


def _clients(info: Info) -> Finding:
    now, most = int(info.get("connected_clients", 0)), int(info.get("maxclients", 0))
    if most and now > CLIENTS_SHARE * most:
        return warning("store.clients", f"{now} connections of {most}", "raise maxclients, and its limit of open files")
    refused = int(info.get("rejected_connections", 0))
    if refused:
        return warning(
            "store.clients", f"it has refused {refused} connections since it started", "raise maxclients, if it goes on"
        )
    return ok("store.clients", f"{now} connections" + (f" of {most}" if most else ""))


def _allocator(info: Info) -> Finding:
    name = str(info.get("mem_allocator", ""))
    if name.startswith("libc"):
        return warning(
            "store.allocator", f"{name}: a job costs half as much memory again", "take a build with jemalloc"
        )
    return ok("store.allocator", name or "unknown")


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
