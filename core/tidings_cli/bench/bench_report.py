"""A measurement and what it recommends, in words for people."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tidings.duration_text import duration_text
from tidings_cli.terminal import cell

from .figures import DurationSummary, Figures
from .sizing import TARGET_UTILIZATION, Advice

MIN_JOBS_FOR_P99 = 100
"""Jobs of which one in a hundred is none, so that p99 is only the slowest."""


def print_figures(figures: Figures, console: Console) -> None:
    """Print what was measured."""
    how = f"{figures.in_flight} in flight" if figures.in_flight else f"{figures.offered:g} a second offered"
    served = "1 worker" if figures.workers == 1 else f"{figures.workers} workers"
    console.print()
    console.print(cell(f"{figures.kind}: {figures.jobs} jobs in {figures.seconds:g} s, {how}, {served}"))
    console.print()
    table = Table("", box=None, pad_edge=False)
    for column in ("mean", "p50", "p95", "p99"):
        table.add_column(column, justify="right")
    for name in ("ack", "wait", "run", "total"):
        found: DurationSummary | None = getattr(figures, name)
        cells = [duration_text(value) for value in (found.mean, found.p50, found.p95, found.p99)] if found else [""] * 4
        table.add_row(name, *cells)
    console.print(table)
    console.print()
    for line in _about(figures):
        console.print(cell(line))


def _about(figures: Figures) -> Iterator[str]:
    yield f"{figures.throughput:.4g} jobs a second succeeded{_share(figures)}."
    if figures.running is not None and figures.waiting is not None:
        yield f"{figures.running:.3g} ran at a time and {figures.waiting:.3g} waited, on average."
    for code, count in figures.failures.items():
        yield f"{count} did not succeed: {code}."
    if figures.backlog_growth is not None:
        yield _backlog(figures)
    if figures.held_back:
        yield f"{figures.held_back} were not offered, because too many were unfinished already."
    if figures.cancelled:
        yield f"{figures.cancelled} were unfinished too long after the end, and were cancelled."
    if 0 < figures.jobs < MIN_JOBS_FOR_P99:
        yield f"With {figures.jobs} jobs p99 is only the slowest of them: measure longer (--seconds)."


def _share(figures: Figures) -> str:
    return "" if figures.success is None else f" ({figures.success:.1%} of what was submitted)"


def _backlog(figures: Figures) -> str:
    growth = figures.backlog_growth or 0.0
    if figures.saturated:
        return f"The backlog grew by {growth:.3g} jobs a second: the workers do not keep up."
    return "The backlog did not grow: the workers keep up."


def recommendation_lines(advice: Advice, figures: Figures) -> Iterator[str]:
    """Return the lines about what is recommended."""
    wanted = f"{advice.rate:g} jobs a second"
    mean = advice.load / advice.rate
    objective = advice.objective
    if objective is not None:
        wanted += f", {_quantile(advice)} of {duration_text(objective.seconds)} or less"
    yield f"For {wanted}:"
    yield (
        f"  {advice.rate:g}/s times {duration_text(mean)} is {advice.load:.3g} jobs that run at a time "
        "(Little's law, L = λW); "
        "fewer slots never catch up."
    )
    if advice.slots is None:
        yield (
            f"  No number of slots keeps that: {_quantile(advice)} of the work alone is "
            f"{duration_text(advice.least)}. Make the "
            "work shorter, or the objective longer."
        )
        return
    assert advice.busy is not None
    assert advice.expected is not None
    reason = f"so that about {TARGET_UTILIZATION:.0%} are busy" if objective is None else "the fewest that keep it"
    yield (
        f"  {advice.slots} slots, {reason}: {advice.busy:.1%} are busy on average, and {_quantile(advice)} is about "
        f"{duration_text(advice.expected)} when jobs come at random."
    )
    yield f"  {_workers(advice, figures)}"


def _workers(advice: Advice, figures: Figures) -> str:
    if advice.workers is None or advice.slots_per_worker is None:
        return (
            "How many workers that takes was not seen, as nothing waited: measure with more in flight "
            f"(--in-flight {max((figures.in_flight or 8) * 2, 16)}) until jobs wait."
        )
    count = "1 worker" if advice.workers == 1 else f"{advice.workers} workers"
    return f"{count} like those measured, each of which ran {advice.slots_per_worker:.3g} at a time at its limit."


def _quantile(advice: Advice) -> str:
    return f"p{(advice.objective.share if advice.objective is not None else 0.99) * 100:g}"
