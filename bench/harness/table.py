"""The figures as Markdown: a table for each scenario, its systems (and cases) as rows."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bench.peer import find_peer
from bench.scenario import Scenario, find_scenario

from .result import Report, Result, Round

NOTHING = "-"

PARTS = ("server", "worker", "store")

OURS = "tidings"
"""The peer that all are compared with."""


class Show(NamedTuple):
    """One thing a scenario can be about."""

    heading: str
    short: str
    """Its one number, in the heading of the comparison."""
    number: Callable[[Round], float | None]
    text: Callable[[Round], str]


def _percentiles(found: dict[str, float]) -> str:
    return " / ".join(f"{ms:.2f}" if ms < 10 else f"{ms:,.0f}" for ms in found.values()) or NOTHING


SHOWS = {
    "jobs": Show("jobs/s", "jobs/s", lambda one: one.jobs_per_s, lambda one: f"{one.jobs_per_s:,.0f}"),
    "ack": Show(
        "ack p50 / p99 / p99.9, ms",
        "ack p50",
        lambda one: one.ack_ms.get("p50"),
        lambda one: _percentiles(one.ack_ms),
    ),
    "reply": Show(
        "result p50 / p99 / p99.9, ms",
        "result p50",
        lambda one: one.reply_ms.get("p50"),
        lambda one: _percentiles(one.reply_ms),
    ),
    "progress": Show(
        "progress a job",
        "progress",
        lambda one: one.progress_per_job,
        lambda one: f"{one.progress_per_job:.3g}",
    ),
}


def _parts(found: dict[str, float]) -> str:
    return " + ".join(f"{found[part]:.0f}" if part in found else NOTHING for part in PARTS)


def _generator(one: Round) -> str:
    return f"{one.cpu_us_per_job['generator']:.0f}; {one.busy['generator']:.0%}"


COSTS: dict[str, Callable[[Round], str]] = {
    f"CPU a job, µs: {' + '.join(PARTS)}": lambda one: _parts(one.cpu_us_per_job),
    f"memory, MB: {' + '.join(PARTS)}": lambda one: _parts(one.rss_mb),
    "load generator: CPU a job, µs; busy": _generator,
    "early; errors": lambda one: f"{one.early}; {one.errors}",
    "others busy": lambda one: f"{one.others_busy:.0%}",
}


def page(report: Report) -> str:
    """Return the reference page."""
    facts = ", ".join(f"{name} {fact}" for name, fact in report.machine.items() if name != "processor")
    peers = ", ".join(f"{name} {version}" for name, version in report.peers.items())
    settings = f"; set were {', '.join(report.settings)}" if report.settings else ""
    return (
        "# Benchmarks\n\n"
        f"Made by `python -m bench --write-docs`: medians of {report.rounds} rounds of {report.seconds:g} s, each "
        f"after {report.warm_up_s:g} s of warming up, in turn, each system from an empty store on. All processes run "
        "on one machine and share its cores: one store with its append-only file on (`appendfsync everysec`), one "
        "server, one worker, one load generator. Compare figures of one run with each other, never those of two "
        "machines.\n\n"
        f"{tables(report.results)}\n"
        "## How to read it\n\n"
        "The column *÷ Tidings* divides a system's headline by that of Tidings in the same case: of jobs/s more is "
        "better, of milliseconds less; of progress, more is more than anybody wanted to be told. "
        "*Early* counts events that came before the ack of their job, *errors* refusals, failed jobs, lost sockets and "
        "events out of order. *Busy* is the share of one core that the load generator used: near 100 % it would have "
        "measured itself. *Others busy* is the share of one core that was lost to processes that are no part of the "
        "measurement: above 10 %, measure again. Of *early*, *errors* and *others busy*, the worst round counts. "
        f"Where a system has no such process, or cannot do a scenario, stands {NOTHING}.\n\n"
        f"Measured on {report.machine['processor']}; {facts}{settings}."
        f"{f' The others are made of {peers}.' if peers else ''}\n"
    )


def tables(results: Iterable[Result]) -> str:
    """Return the table of each scenario under its title."""
    by_scenario: dict[str, list[Result]] = {}
    for result in results:
        by_scenario.setdefault(result.scenario, []).append(result)
    return "\n".join(
        f"## `{name}`\n\n{_sentence(find_scenario(name).title)}.\n\n{table(found)}"
        for name, found in by_scenario.items()
    )


def table(results: list[Result]) -> str:
    """Return the results of one scenario as a table, and below it why somebody is missing from it."""
    scenario = find_scenario(results[0].scenario)
    cases = list(dict.fromkeys(result.case for result in results if result.median is not None))
    more = list(dict.fromkeys(name for result in results if result.median for name in result.median.more))
    ours = {result.case: result.median for result in results if result.peer == OURS}
    headings = [
        "system",
        *(["case"] if any(cases) else []),
        *_headings(scenario),
        *more,
        *COSTS,
    ]
    lines = [headings, ["---"] * len(headings)]
    for result in sorted(results, key=lambda one: cases.index(one.case) if one.case in cases else len(cases)):
        cells = [_title(result.peer), *([result.case or NOTHING] if any(cases) else [])]
        cells += _figures(result.median, scenario, more, ours.get(result.case))
        lines.append(cells + [NOTHING] * (len(headings) - len(cells)))
    rows = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    notes = "".join(f"\n{_title(one.peer)}: {_reason(one)}.\n" for one in results if _reason(one))
    return rows + notes


def _sentence(title: str) -> str:
    return title[0].upper() + title[1:]


def _title(peer: str) -> str:
    return find_peer(peer).title


def _reason(result: Result) -> str:
    if result.lacks:
        return result.lacks
    if result.failures:
        where = f" in {result.case}" if result.case else ""
        return f"{len(result.failures)} rounds failed{where}: {result.failures[0].splitlines()[0].rstrip('.')}"
    return ""


def _headings(scenario: Scenario) -> list[str]:
    first, *rest = (SHOWS[name] for name in scenario.shows)
    return [first.heading, f"{first.short} ÷ Tidings", *(show.heading for show in rest)]


def _figures(one: Round | None, scenario: Scenario, more: list[str], ours: Round | None) -> list[str]:
    """Return the cells after the system's name and case; none if there are no figures."""
    if one is None:
        return []
    first, *rest = (SHOWS[name] for name in scenario.shows)
    return [
        first.text(one),
        _ratio(first.number(one), first.number(ours) if ours else None),
        *(show.text(one) for show in rest),
        *(f"{one.more[name]:,.6g}" if name in one.more else NOTHING for name in more),
        *(text(one) for text in COSTS.values()),
    ]


def _ratio(figure: float | None, ours: float | None) -> str:
    return f"{figure / ours:.2f}" if figure is not None and ours else NOTHING
