"""What is found along an axis: a row for each amount."""

from collections.abc import Mapping

import msgspec

from bench.harness.result import Round


class Row(msgspec.Struct, kw_only=True, frozen=True):
    """The costs at one amount."""

    amount: str
    """How much there is of it."""
    per_s: float
    """What was done a second."""
    cpu_us: dict[str, float]
    """CPU time for each thing done, of all processes of a kind together: server, worker, store (client) → µs."""
    busy: dict[str, float]
    """Cores kept busy, of each process."""
    rss_mb: dict[str, float]
    """Resident memory at the end, of all processes of a kind together, MB."""
    others_busy: float = 0.0
    """Cores kept busy by what is no part of the measurement."""
    more: dict[str, str] = {}
    """What else there is to say of it: heading → text."""


class Axis(msgspec.Struct, kw_only=True, frozen=True):
    """One axis, measured."""

    name: str
    sentence: str
    """What was done, and what there was more and more of."""
    thing: str
    """What is counted: the costs are for one of these."""
    rows: list[Row]


def summed(parts: Mapping[str, float]) -> dict[str, float]:
    """Return figures of single processes added up by what they are: `server 2` counts as `server`."""
    sums: dict[str, float] = {}
    for name, figure in parts.items():
        kind = name.partition(" ")[0]
        sums[kind] = round(sums.get(kind, 0.0) + figure, 1)
    return sums


def row_of(amount: str, one: Round, more: Mapping[str, str] | None = None) -> Row:
    """Return the row of a round of the harness."""
    return Row(
        amount=amount,
        per_s=one.jobs_per_s,
        cpu_us=summed(one.cpu_us_per_job),
        busy=one.busy,
        rss_mb=summed(one.rss_mb),
        others_busy=one.others_busy,
        more=dict(more or {}),
    )
