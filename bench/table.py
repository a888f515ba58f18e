"""The figures as Markdown."""

from collections.abc import Iterable

from .peer import find_peer
from .result import Report, Result, Round
from .scenario import find_scenario

NOTHING = "-"

PARTS = ("server", "worker", "store")

COLUMNS = (
    "scenario",
    "system",
    "jobs/s",
    "ack p50 / p99 / p99.9, ms",
    "result p50 / p99 / p99.9, ms",
    f"CPU a job, µs: {' + '.join(PARTS)}",
    "load generator: CPU a job, µs; busy",
    f"memory, MB: {' + '.join(PARTS)}",
    "progress a job",
    "early",
    "errors",
    "others busy",
)


def page(report: Report) -> str:
    """Return the reference page."""
    facts = ", ".join(f"{name} {fact}" for name, fact in report.machine.items() if name != "processor")
    settings = f"; set were {', '.join(report.settings)}" if report.settings else ""
    return (
        "# Benchmarks\n\n"
        f"Made by `python -m bench --write-docs`: medians of {report.rounds} rounds of {report.seconds:g} s, each "
        f"after {report.warm_up_s:g} s of warming up. All processes run on one machine and share its cores: one store "
        "with its append-only file on (`appendfsync everysec`), one server, one worker, one load generator. Compare "
        "figures of one run with each other, never those of two machines.\n\n"
        f"{table(report.results)}\n"
        "*Early* counts events that came before the ack of their job, *errors* refusals, failed jobs, lost sockets and "
        "events out of order. *Busy* is the share of one core that the load generator used: near 100 % it would have "
        "measured itself. *Others busy* is the share of one core that was lost to processes that are no part of the "
        "measurement: above 10 %, measure again. Of *early*, *errors* and *others busy*, the worst round counts.\n\n"
        f"Measured on {report.machine['processor']}; {facts}{settings}.\n"
    )


def table(results: Iterable[Result]) -> str:
    """Return one row for each result."""
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(_cells(result) for result in results)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(result: Result) -> list[str]:
    scenario, one = find_scenario(result.scenario), result.median
    return [
        scenario.title,
        find_peer(result.peer).title,
        f"{one.jobs_per_s:,.0f}" if "jobs" in scenario.shows else NOTHING,
        _percentiles(one.ack_ms) if "ack" in scenario.shows else NOTHING,
        _percentiles(one.reply_ms) if "reply" in scenario.shows else NOTHING,
        _parts(one.cpu_us_per_job),
        _generator(one),
        _parts(one.rss_mb),
        f"{one.progress_per_job:g}",
        str(one.early),
        str(one.errors),
        f"{one.others_busy:.0%}",
    ]


def _percentiles(found: dict[str, float]) -> str:
    return " / ".join(f"{ms:.2f}" if ms < 10 else f"{ms:.0f}" for ms in found.values()) or NOTHING


def _parts(found: dict[str, float]) -> str:
    return " + ".join(f"{found[part]:.0f}" if part in found else NOTHING for part in PARTS)


def _generator(one: Round) -> str:
    return f"{one.cpu_us_per_job['generator']:.0f}; {one.busy['generator']:.0%}"
