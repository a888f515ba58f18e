"""A poll's result as a screen for people."""

from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX
from tidings.store.admin.delivery_counts import QueueDeliveries
from tidings.store.groups.group_counts import GroupCount
from tidings.store.registry import WorkerRecord
from tidings_cli.operate.missing_view import missing_parts
from tidings_cli.store_command import paused_text
from tidings_cli.terminal import cell

from .poll import BreakerRow, PollResult, TierRow

MIB = 1_048_576
"""Bytes."""


def screen(found: PollResult, away: str = "") -> RenderableType:
    """Return the screen.

    Args:
        found: the last result.
        away: why the store gives nothing newer; empty: the result is new.

    """
    parts: list[RenderableType] = [_head(found)]
    if away:
        parts.append(cell(f"This is old: {away}", style="bold red"))
    parts += [cell(text, style="bold red") for text in missing_parts(found.missing)]
    parts += [cell(paused_text(queue), style="yellow") for queue in found.paused]
    parts += [Text(), _queues(found.tiers), Text(), _workers(found.workers, found.at)]
    if found.breakers:
        parts += [Text(), _breakers(found.breakers, found.at)]
    if found.groups:
        parts += [Text(), _groups(found.groups)]
    if found.deliveries:
        parts += [Text(), _deliveries(found.deliveries)]
    return Group(*parts)


def _head(found: PollResult) -> Text:
    busy = sum(one.running for one in found.workers)
    slots = sum(_slots(one) for one in found.workers)
    dead = sum({one.queue: one.dead for one in found.tiers}.values())
    facts = [
        f"{datetime.fromtimestamp(found.at / 1000, UTC):%H:%M:%S} UTC",
        *([f"key prefix {found.key_prefix}"] if found.key_prefix != DEFAULT_KEY_PREFIX else []),
        _count(len(found.workers), "worker"),
        f"{busy} of {_count(slots, 'slot')} busy",
        f"{sum(one.waiting for one in found.tiers)} waiting",
        _count(dead, "dead letter"),
        *(f"{_count(n, 'breaker')} open" for n in [sum(one.state != "closed" for one in found.breakers)] if n),
        *([_memory(found.memory, found.limit)] if found.memory is not None else []),
    ]
    return Text.assemble(("Tidings  ", "bold"), "   ".join(facts))


def _queues(tiers: list[TierRow]) -> Table:
    table = _table(
        "queue", "tier", right=("waiting", "±/s", "drains/s", "starts in", "oldest", "running", "later", "dead")
    )
    for one in tiers:
        row = (
            one.queue,
            one.tier,
            str(one.waiting),
            "" if not one.growth else f"{one.growth:+.3g}",
            "" if one.drains is None else f"{one.drains:.3g}",
            "" if not one.eta else age(one.eta),
            "" if one.oldest is None else age(one.oldest),
            str(one.running),
            str(one.scheduled),
            Text(str(one.dead), style="yellow" if one.dead else ""),
        )
        unserved = bool(one.waiting and not one.served)
        table.add_row(*map(_cell, row), style="red" if unserved else "")
        if unserved:
            table.add_row("", Text("no worker serves it", style="red", no_wrap=True))
    return table


def _workers(workers: list[WorkerRecord], now_ms: int) -> Table:
    table = _table(
        "worker",
        "host",
        right=("pid", "busy", "slots", "longest", "cpu", "memory", "up", "seen"),
        then=("version", "serves"),
    )
    for one in sorted(workers, key=lambda one: (-one.running, one.worker)):
        tiers = " ".join(f"{tier}={owned}" for tier, owned in one.tiers.items())
        row = (
            one.worker,
            one.host,
            str(one.pid),
            str(one.running),
            str(_slots(one)),
            _since(min((job.since_ms for job in one.jobs), default=0), now_ms),
            "" if one.cpu is None else f"{one.cpu:.0%}",
            "" if one.memory is None else f"{one.memory / MIB:.0f} MiB",
            _since(one.since_ms, now_ms),
            _since(one.seen_ms, now_ms),
            one.version,
            " ".join(one.queues) + (f" ({tiers})" if tiers else "") + _webhooks(one),
        )
        table.add_row(*map(_cell, row))
    if not workers:
        table.add_row(Text("There is no worker.", style="red", no_wrap=True))
    return table


def _webhooks(one: WorkerRecord) -> str:
    load = one.deliveries
    return "" if load is None else f"{' + ' if one.queues else ''}webhooks ({load.sending} of {load.slots})"


def _breakers(breakers: list[BreakerRow], now_ms: int) -> Table:
    table = _table("breaker", "state", right=("for", "opened"), then=("why", "last failure"))
    for one in breakers:
        state = Text(one.state.replace("_", "-"), style="" if one.state == "closed" else "red")
        row = (one.breaker, state, _since(one.since, now_ms), str(one.opened), one.reason, one.last)
        table.add_row(*map(_cell, row))
    return table


def _groups(groups: list[GroupCount]) -> Table:
    table = _table("group", "queue", right=("behind", "oldest", "in hand", "missed", "dead"), then=("follows",))
    for one in groups:
        row = (
            f"{one.group} (paused)" if one.paused else one.group,
            one.queue,
            "?" if one.behind is None else str(one.behind),
            "" if one.oldest is None else age(one.oldest),
            str(one.in_hand),
            Text(str(one.missed), style="red" if one.missed else ""),
            Text(str(one.dead), style="yellow" if one.dead else ""),
            "; ".join(one.follows),
        )
        table.add_row(*map(_cell, row))
    return table


def _deliveries(deliveries: list[QueueDeliveries]) -> Table:
    table = _table("deliveries of", right=("pending", "oldest", "due for", "dead", "paused hosts"))
    for one in deliveries:
        row = (
            one.queue,
            str(one.pending),
            "" if one.oldest is None else age(one.oldest),
            age(one.overdue) if one.overdue else "",
            Text(str(one.dead), style="yellow" if one.dead else ""),
            str(one.paused) if one.paused else "",
        )
        table.add_row(*map(_cell, row))
    return table


def _table(*left: str, right: tuple[str, ...], then: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*left, *right, *then):
        table.add_column(name, justify="right" if name in right else "left", no_wrap=True, overflow="ellipsis")
    return table


def _cell(content: object) -> Text:
    return content if isinstance(content, Text) else cell(content)


def _since(moment_ms: int, now_ms: int) -> str:
    return age(max(now_ms - moment_ms, 0) / 1000) if moment_ms else ""


def _slots(one: WorkerRecord) -> int:
    """Return the slots of a worker: it has those of its tiers, or its pool, in each queue."""
    return (sum(one.tiers.values()) or one.slots) * max(len(one.queues), 1)


def _memory(used: int, limit: int | None) -> str:
    text = f"store {used / MIB:.3g} MiB"
    return text if limit is None else f"{text} of {limit / MIB:.3g}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def age(seconds: float) -> str:
    """Return a duration as people read it at a glance: 0.4 s, 12 s, 3 m 20 s, 2 h 5 m, 3 d 4 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller_size, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size} {smaller}"
    return f"{whole} s"
