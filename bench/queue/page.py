"""The figures of queues alone, and what each system promises, as Markdown."""

from collections.abc import Iterable, Sequence

from bench.peer import Guarantees, find_peer, peer_names

from .result import Report, Result
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
    return (
        "# Tidings beside others\n\n"
        "What one would take instead of Tidings: a job queue, glued to a WebSocket by pub/sub. How they compare with a "
        "socket is in [benchmarks](benchmarks.md), where each has rows of its own; here is what each promises, and how "
        "the queues compare without a socket, where they are at their strongest.\n\n"
        "## What each promises\n\n"
        "All have the same store (append-only file on, `appendfsync everysec`): what it has taken may be lost with the "
        "machine for up to a second, by all of them alike.\n\n"
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
        f"Measured on {report.machine['processor']}; {facts}; the others as pinned in `bench/requirements-peers.txt`, "
        "`bench/requirements-arq.txt` and `bench/peer/bullmq/package.json`.\n"
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
    """Return in words where another is better than Tidings, and by how much."""
    found = [
        f"- {result.scenario}: {_name(result.peer)}, {_times(ratio if _more_is_better(result) else 1 / ratio)}"
        for result in results
        if (ratio := _ratio(result, results)) is not None
        and result.peer != OURS
        and (ratio > 1 if _more_is_better(result) else ratio < 1)
    ]
    if not any(result.peer == OURS for result in results):
        return "Tidings was not measured in this run.\n"
    if not found:
        return "In no row is another better than Tidings.\n"
    return "Where another is better than Tidings, and how many times:\n\n" + "\n".join(found) + "\n"


def _figures(scenario: str, results: Sequence[Result]) -> str:
    latency = SCENARIOS[scenario].latency
    lines = [
        [
            "system",
            "result p50 / p99 / p99.9, ms" if latency else "jobs/s",
            "p50 ÷ Tidings" if latency else "÷ Tidings",
            f"CPU a job, µs: {' + '.join(PARTS)}",
            f"memory, MB: {' + '.join(PARTS)}",
            "others busy",
        ]
    ]
    for result in results:
        one, ratio = result.median, _ratio(result, results)
        lines.append(
            [
                _name(result.peer),
                " / ".join(_ms(ms) for ms in one.reply_ms.values()) if latency else f"{one.jobs_per_s:,.0f}",
                NOTHING if ratio is None else f"{ratio:.2f}",
                _parts(one.cpu_us_per_job),
                _parts(one.rss_mb),
                f"{one.others_busy:.0%}",
            ]
        )
    return _table(lines)


def _ratio(result: Result, results: Iterable[Result]) -> float | None:
    """Return a result divided by that of Tidings in the same scenario."""
    ours = next((one for one in results if one.peer == OURS and one.scenario == result.scenario), None)
    return None if ours is None else _headline(result) / _headline(ours)


def _headline(result: Result) -> float:
    one = result.median
    return one.jobs_per_s if _more_is_better(result) else one.reply_ms["p50"]


def _more_is_better(result: Result) -> bool:
    return not SCENARIOS[result.scenario].latency


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


def _times(factor: float) -> str:
    return f"{factor:.2f}"


def _ms(ms: float) -> str:
    return f"{ms:.2f}" if ms < 10 else f"{ms:,.0f}"


def _parts(found: dict[str, float]) -> str:
    return " + ".join(f"{found[part]:,.0f}" if part in found else NOTHING for part in PARTS)


def _table(lines: Sequence[Sequence[str]]) -> str:
    head, *rest = lines
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rest])
