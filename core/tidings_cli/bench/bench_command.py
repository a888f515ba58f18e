"""The command `tidings bench`: measures a kind of one's own, and says what a rate of it needs."""

import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tidings.client import Client, SubmitOptions
from tidings.client.connection.address import DEFAULT_URL
from tidings.duration_text import parse_duration
from tidings.logging.printable import printable_json
from tidings_cli.command_errors import CommandError
from tidings_cli.job_commands import Credential, Url, Wait, read_input, run_client
from tidings_cli.terminal import cell, open_console

from .bench_report import print_figures, recommendation_lines
from .figures import Figures, figures_of
from .load_generator import LoadGenerator, LoadPlan, LoadResult
from .sizing import Advice, LatencyObjective, advise

_OBJECTIVE = re.compile(r"p(\d{1,2}(?:\.\d+)?)=(.+)")


class BenchReport(msgspec.Struct, frozen=True):
    """What is printed with --json; all times in s."""

    measured: Figures
    advice: Advice | None


def bench(
    kind: Annotated[str, typer.Argument(help="What to measure. Its jobs are real ones, and do what they do.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(help="The input, as field=value; a value that reads as JSON is taken as such."),
    ] = None,
    *,
    input: Annotated[  # noqa: A002 - the contract's word
        str | None, typer.Option(help="The input as JSON; @FILE reads a file, - standard input.")
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option(help="A file with an input as JSON on each line: they are taken in turn.")
    ] = None,
    in_flight: Annotated[
        int, typer.Option(min=1, max=1000, help="Jobs in flight: the next is submitted when one has ended.")
    ] = 8,
    offer: Annotated[
        float,
        typer.Option(min=0, max=10_000, help="Jobs a second, however many are unfinished; 0: as --in-flight says."),
    ] = 0,
    seconds: Annotated[float, typer.Option(min=0.1, max=86_400, help="How long to measure.")] = 10,
    warm_up: Annotated[float, typer.Option(min=0, max=3600, help="Seconds before that, which do not count.")] = 2,
    drain: Annotated[
        float, typer.Option(min=0.1, max=86_400, help="Seconds that unfinished jobs get at the end, until cancelled.")
    ] = 60,
    workers: Annotated[int, typer.Option(min=1, help="How many workers serve the kind now.")] = 1,
    rate: Annotated[
        float | None, typer.Option(min=0.001, max=1_000_000, help="Jobs a second for which to recommend slots.")
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="How long a share of them may take, such as p99=2s or p95=300ms.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Submit to this queue.")] = None,
    tier: Annotated[str | None, typer.Option(help="Submit to this tier.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    url: Url = DEFAULT_URL,
    credential: Credential = None,
    wait: Wait = 0,
) -> None:
    """Measure a kind against a running server, and recommend slots and workers for a rate of it."""
    goal = None if objective is None else read_objective(objective)
    if goal is not None and rate is None:
        raise CommandError(f"--objective {objective} says how long jobs may take; say with --rate how many a second")
    plan = LoadPlan(
        kind=kind,
        inputs=_inputs(fields or [], input, inputs),
        options=SubmitOptions(queue=queue, tier=tier),
        in_flight=in_flight,
        offered=offer,
        warm_up_s=warm_up,
        seconds=seconds,
        drain_s=drain,
    )

    async def run(client: Client) -> int:
        if not as_json:
            about = f"{offer:g} a second" if offer else f"{in_flight} in flight"
            about = f"Measuring {kind} for {seconds:g} s after {warm_up:g} s of warm-up, {about}."
            open_console().print(cell(about))
        found = await _carry_out(client, plan)
        figures = figures_of(plan, found, workers)
        advice = _advice(figures, found, rate, goal)
        if as_json:
            print(printable_json(BenchReport(figures, advice)))  # noqa: T201
        else:
            _print(figures, advice)
        return 0

    run_client(url, credential, wait, run)


def read_objective(text: str) -> LatencyObjective:
    """Return what the flag says.

    Raises:
        CommandError: it is of another form.

    """
    match = _OBJECTIVE.fullmatch(text)
    try:
        share, seconds = (float(match[1]) / 100, parse_duration(match[2], ("ms", "s", "m"))) if match else (0, 0)
    except ValueError:
        share, seconds = 0, 0
    if not share or not seconds:
        raise CommandError(
            f"--objective {text}: it is a quantile and a time in ms, s or m, such as p99=2s or p95=300ms"
        )
    return LatencyObjective(share, seconds)


async def _carry_out(client: Client, plan: LoadPlan) -> LoadResult:
    try:
        return await LoadGenerator(client, plan).run()
    except TimeoutError:
        raise CommandError(
            f"the first job did not end within {plan.drain_s:g} s: does a worker serve {plan.kind}? If it takes so "
            "long, say so with --drain"
        ) from None
    except ExceptionGroup as group:
        raise _first(group) from group


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """Return the first error of a group: all loops fail with the same broken connection."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


def _advice(figures: Figures, found: LoadResult, rate: float | None, goal: LatencyObjective | None) -> Advice | None:
    runs = [one.run_s for one in found.samples if one.run_s is not None and one.outcome == "succeeded"]
    if rate is None:
        return None
    if not runs:
        raise CommandError(
            f"no job of {figures.kind} succeeded in the time measured ({figures.failures or 'none ended'}), so nothing "
            "can be recommended"
        )
    return advise(figures, runs, rate, goal)


def _print(figures: Figures, advice: Advice | None) -> None:
    console = open_console()
    print_figures(figures, console)
    if advice is not None:
        console.print()
        for line in recommendation_lines(advice, figures):
            console.print(cell(line))


def _inputs(fields: list[str], text: str | None, file: Path | None) -> list[Any]:
    if file is None:
        return [read_input(fields, text, "--input")]
    if fields or text is not None:
        raise CommandError("give fields, or --input, or --inputs, not two of them")
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise CommandError(f"--inputs {file}: {error.strerror}") from None
    if not lines:
        raise CommandError(f"--inputs {file}: the file has no line")
    return [read_input([], line, f"--inputs {file}, line {number}") for number, line in enumerate(lines, start=1)]
