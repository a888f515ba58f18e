"""What one job costs, and how it compares with what it cost before."""

from collections.abc import Mapping

import msgspec

from .count import Command

IN_PARTS = ("fcall", "evalsha", "eval", "xreadgroup")
"""The commands that make up the store's time; the others run within the scripts, or hardly ever."""


SELDOM = 0.001
"""A command that fewer jobs have is not shown."""


class Budget(msgspec.Struct, kw_only=True):
    """What one job costs. All figures are for one job."""

    scenario: str
    jobs_per_s: float
    machine: dict[str, str]
    native: bool
    """Whether the profile shows what is not Python; compare with none that differs in it."""
    samples: dict[str, int]
    """Process → samples behind its parts; a part of n samples is right to about its square root."""
    cpu_us: dict[str, dict[str, float]]
    """Process → part → CPU time, µs."""
    calls_us: dict[str, dict[str, float]]
    """Process → function of the C library → CPU time in it, µs, whatever part it was called for."""
    commands: dict[str, tuple[float, float]]
    """Command of the store → calls, and µs."""
    counts: dict[str, float]
    """What else → how much."""


def store_parts(commands: Mapping[str, Command], cpu_us: float) -> dict[str, float]:
    """Return the parts of the store's time: what its commands take, and the rest.

    Args:
        commands: of one job.
        cpu_us: the CPU time of the store, for one job, µs.

    """
    parts = {name: commands[name].us for name in IN_PARTS if name in commands}
    return {**parts, "sockets, protocol, append-only file": max(0.0, cpu_us - sum(parts.values()))}


def page(now: Budget, before: Budget | None = None) -> str:
    """Return the budget as Markdown, beside an earlier one if given."""
    text = f"One job of `{now.scenario}` at {now.jobs_per_s:,.0f} jobs/s"
    text += f" (before: {before.jobs_per_s:,.0f})" if before else ""
    text += f"; samples: {', '.join(f'{name} {count}' for name, count in now.samples.items())}.\n"
    if not now.native:
        text += "The profile does not show what is not Python: the event loop's part holds its waiting as well.\n"
    for name, parts in now.cpu_us.items():
        text += _table(f"{name}: part", "µs", parts, before.cpu_us.get(name, {}) if before else None, total=True)
    for name, calls in now.calls_us.items():
        heading = f"{name}: in the C library, whatever for"
        text += _table(heading, "µs", calls, before.calls_us.get(name, {}) if before else None)
    text += _table("store: command", "calls", _column(now, 0), _column(before, 0) if before else None)
    text += _table("store: command", "µs", _column(now, 1), _column(before, 1) if before else None)
    return text + _table("count", "a job", now.counts, before.counts if before else None)


def _column(budget: Budget, number: int) -> dict[str, float]:
    """Return the calls (0) or the µs (1) of the commands that a job has, and not the store or a worker now and then."""
    return {name: said[number] for name, said in budget.commands.items() if said[0] >= SELDOM}


def _table(
    what: str, unit: str, now: Mapping[str, float], before: Mapping[str, float] | None, *, total: bool = False
) -> str:
    if not now:
        return ""
    names = [*now, *(name for name in before or {} if name not in now)]
    rows = [(name, now.get(name, 0.0), (before or {}).get(name, 0.0)) for name in names]
    if total:
        rows.append(("**all**", sum(now.values()), sum((before or {}).values())))
    columns = 4 if before is not None else 2
    lines = [(what, unit, "before", "difference"), ("---", "---:", "---:", "---:")]
    lines += [(name.replace("|", "\\|"), _figure(new), _figure(old), f"{new - old:+.3g}") for name, new, old in rows]
    return "\n" + "".join(f"| {' | '.join(line[:columns])} |\n" for line in lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
