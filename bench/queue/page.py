"""The figures of queues alone, and what each system promises, as Markdown."""

from collections.abc import Iterable, Sequence

from bench.peer import Guarantees, find_peer, peer_names

from .result import Report, Result, Round
from .scenario import SCENARIOS

OURS = "tidings"
"""The peer that all are compared with."""

NOTHING = "-"

PARTS = ("client", "worker", "store")

PROMISES = {
    "done_with": "a job is done with",
    "lost_worker": "a job whose worker dies is",
    "told": "progress and result reach the client by",
    "result": "the queue's own result is",
    "tuned": "set other than it comes",
}
"""The fields of `Guarantees`, and their headings."""


def page(report: Report) -> str:
    """Return the reference page."""
    facts = ", ".join(f"{name} {fact}" for name, fact in report.machine.items() if name != "processor")
    peers = ", ".join(f"{name} {version}" for name, version in report.peers.items())
    return (
        "# Tidings beside others\n\n"
        "What one would take instead of Tidings: a job queue, glued to a WebSocket by pub/sub. How they compare with a "
        "socket is in [benchmarks](benchmarks.md), where each has rows of its own; here is what each promises, and how "
        "the queues compare without a socket, where they are at their strongest.\n\n"
        "## What each promises\n\n"
        "All have the same store (append-only file on, `appendfsync everysec`): what it has taken may be lost with the "
        "machine for up to a second, by all of them alike. What the others promise is what they document or, where "
        "they say nothing, what their source does with these settings; it was not put to the test here.\n\n"
        f"{promises()}\n"
        "## Queues alone\n\n"
        f"Made by `python -m bench.queue --write-docs`: medians of {report.rounds} rounds, each system in turn and "
        "each time from an empty store on. Every worker runs up to 100 jobs at a time in one process (Celery: one "
        "in each of two). All processes run on one machine and share its cores. Compare figures of one run with each "
        "other, never those of two machines.\n\n"
        f"{tables(report.results)}\n"
        "The column *÷ Tidings* divides a system's figure by that of Tidings: of jobs/s more is better, of "
        "milliseconds less. Of the processes, the client queues the jobs and waits for them. Tidings is measured by "
        "its broker alone, without the server through which its clients come. A page of memory that several processes "
        "of a system share counts for each. *Others busy* is the share of one core that was lost to processes that are "
        "no part of the measurement: above 10 %, measure again.\n\n"
        f"{losses(report.results)}\n"
        f"Measured on {report.machine['processor']}; {facts}. The others are made of {peers}.\n"
    )


def promises() -> str:
    """Return what each system promises, as a table."""
    found = [(peer.title, peer.guarantees) for peer in map(find_peer, _ours_first(peer_names())) if peer.guarantees]
    lines = [["system", *PROMISES.values()]]
    lines += [[title, *_cells(guarantees)] for title, guarantees in found]
    return _table(lines)


def tables(results: Iterable[Result]) -> str:
    """Return a table for each scenario."""
    by_scenario: dict[str, list[Result]] = {}
    for result in results:
        by_scenario.setdefault(result.scenario, []).append(result)
    return "\n".join(
        f"### {name.capitalize()}\n\n{_title(name, found[0].amount)}.\n\n{_figures(name, found)}"
        for name, found in by_scenario.items()
    )


def losses(results: Sequence[Result]) -> str:
    """Return in words where another is better than Tidings, and how many times."""
    if not any(result.peer == OURS and result.median for result in results):
        return "Tidings was not measured in this run.\n"
    found = [
        f"- {result.scenario}: {_name(result.peer)}, {factor:.2f}"
        for result in results
        if (factor := _advantage(result, results)) is not None and factor > 1
    ]
    if not found:
        return "In no row is another better than Tidings.\n"
    return "Where another is better than Tidings, and how many times:\n\n" + "\n".join(found) + "\n"


def _advantage(result: Result, results: Iterable[Result]) -> float | None:
    """Return how many times better than Tidings a result is."""
    ratio = _ratio(result, results)
    return 1 / ratio if ratio is not None and SCENARIOS[result.scenario].latency else ratio


def _figures(scenario: str, results: Sequence[Result]) -> str:
    latency = SCENARIOS[scenario].latency
    head = [
        "system",
        "result p50 / p99 / p99.9, ms" if latency else "jobs/s",
        "p50 ÷ Tidings" if latency else "÷ Tidings",
        f"CPU a job, µs: {' + '.join(PARTS)}",
        f"memory, MB: {' + '.join(PARTS)}",
        "others busy",
    ]
    rows = [_row(result, _ratio(result, results)) for result in results]
    notes = "".join(
        f"\n{_name(one.peer)}: {len(one.failures)} rounds failed: {one.failures[0].rstrip('.')}.\n"
        for one in results
        if one.failures
    )
    return _table([head, *rows]) + notes


def _row(result: Result, ratio: float | None) -> list[str]:
    one = result.median
    if one is None:
        return [_name(result.peer), *[NOTHING] * 5]
    return [
        _name(result.peer),
        " / ".join(_ms(ms) for ms in one.reply_ms.values()) or f"{one.jobs_per_s:,.0f}",
        NOTHING if ratio is None else f"{ratio:.2f}",
        _parts(one.cpu_us_per_job),
        _parts(one.rss_mb),
        f"{one.others_busy:.0%}",
    ]


def _ratio(result: Result, results: Iterable[Result]) -> float | None:
    """Return a result divided by that of Tidings in the same scenario."""
    ours = next((one for one in results if one.peer == OURS and one.scenario == result.scenario), None)
    if ours is None or ours.median is None or result.median is None:
        return None
    return _headline(result.median, result.scenario) / _headline(ours.median, result.scenario)


def _headline(one: Round, scenario: str) -> float:
    return one.reply_ms["p50"] if SCENARIOS[scenario].latency else one.jobs_per_s


def _title(scenario: str, amount: float) -> str:
    text = SCENARIOS[scenario].title.format(amount)
    return text[0].upper() + text[1:]


def _name(peer: str) -> str:
    """Return what a queue is called: its system's title up to what it is glued to."""
    return find_peer(peer).title.partition(" + ")[0]


def _ours_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != OURS, name))


def _cells(guarantees: Guarantees) -> list[str]:
    return [str(getattr(guarantees, field)) for field in PROMISES]


def _ms(ms: float) -> str:
    return f"{ms:.2f}" if ms < 10 else f"{ms:,.0f}"


def _parts(found: dict[str, float]) -> str:
    return " + ".join(f"{found[part]:,.0f}" if part in found else NOTHING for part in PARTS)


def _table(lines: Sequence[Sequence[str]]) -> str:
    head, *rest = lines
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rest])
