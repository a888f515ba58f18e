"""The axes as Markdown."""

from collections.abc import Iterable

import msgspec

from .row import Axis, Row

PARTS = ("client", "server", "worker", "store")
PLURALS = {"job": "jobs", "delivery": "deliveries"}


class Report(msgspec.Struct, kw_only=True):
    """Everything one run has found."""

    seconds: float
    machine: dict[str, str]
    axes: list[Axis]


def page(report: Report) -> str:
    """Return the reference page."""
    facts = ", ".join(f"{name} {fact}" for name, fact in report.machine.items() if name != "processor")
    return (
        "# Costs as things grow\n\n"
        f"Made by `python -m bench.scale --write-docs`: what one thing costs when there is more and more of another; "
        f"each amount for about {report.seconds:g} s, from an empty store on, all processes on one machine whose "
        "cores they share. A straight line is a column that stays as it is. Where there are few at a time, batches are "
        "small, so that each costs more: that is the price of not waiting for a batch to fill.\n\n"
        f"{tables(report.axes)}\n"
        "*Others busy* is the share of one core that was lost to processes that are no part of the measurement: above "
        "10 %, measure again.\n\n"
        f"Measured on {report.machine['processor']}; {facts}.\n"
    )


def tables(axes: Iterable[Axis]) -> str:
    """Return the table of each axis under its name."""
    return "\n".join(f"## {axis.name.capitalize()}\n\n{axis.sentence}.\n\n{table(axis)}" for axis in axes)


def table(axis: Axis) -> str:
    """Return an axis as a table."""
    parts = [part for part in PARTS if any(part in row.cpu_us for row in axis.rows)]
    more = list(dict.fromkeys(name for row in axis.rows for name in row.more))
    headings = [
        axis.name,
        f"{PLURALS[axis.thing]}/s",
        f"CPU a {axis.thing}, µs: {' + '.join(parts)}",
        "together, µs",
        f"memory, MB: {' + '.join(parts)}",
        *more,
        "others busy",
    ]
    lines = [headings, ["---"] * len(headings), *(_cells(row, parts, more) for row in axis.rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(row: Row, parts: list[str], more: list[str]) -> list[str]:
    return [
        row.amount,
        f"{row.per_s:,.0f}",
        " + ".join(f"{row.cpu_us.get(part, 0):.0f}" for part in parts),
        f"{sum(row.cpu_us.get(part, 0) for part in parts):.0f}",
        " + ".join(f"{row.rss_mb.get(part, 0):.0f}" for part in parts),
        *(row.more.get(name, "-") for name in more),
        f"{row.others_busy:.0%}",
    ]
