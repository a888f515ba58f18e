"""A job in a terminal: where it stands, and of a saga the steps it has taken and undone."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tidings.duration_text import duration_text
from tidings.logging.printable import printable
from tidings.protocol.frames.messages import Snapshot
from tidings.protocol.problems import Problem
from tidings.protocol.steps import Step, StepStatus

from .terminal import cell

STATUS_MARKS = {
    StepStatus.RUNNING: ("●", "cyan"),
    StepStatus.SUCCEEDED: ("✓", "green"),
    StepStatus.FAILED: ("✗", "red"),
    StepStatus.COMPENSATING: ("↶", "yellow"),
    StepStatus.COMPENSATED: ("↶", "yellow"),
    StepStatus.COMPENSATION_FAILED: ("‼", "red"),
}
"""How each status is marked, and coloured."""

STATUS_WORDS = {
    StepStatus.COMPENSATING: "being undone",
    StepStatus.COMPENSATED: "undone",
    StepStatus.COMPENSATION_FAILED: "not undone",
}
"""Words for the statuses whose names are no plain English."""


def print_job(snapshot: Snapshot, console: Console) -> None:
    """Print where a job stands."""
    problem = _problem(snapshot.problem)
    lines = [
        ("token", snapshot.token),
        ("kind", snapshot.kind),
        ("status", f"{snapshot.status}, attempt {snapshot.attempt}" if snapshot.attempt else snapshot.status),
        ("tags", " ".join(snapshot.tags)),
        ("correlation", snapshot.correlation_id if snapshot.correlation_id != snapshot.token else ""),
        ("trace", snapshot.trace_id or ""),
        *snapshot.milestones.items(),
        ("problem", f"{problem.code}: {problem.detail}" if problem else ""),
        ("undone", {"complete": "all of it", "incomplete": "not all of it"}.get(problem.compensation or "", "")
            if problem else ""),
    ]  # fmt: skip
    for name, value in lines:
        if value:
            console.print(cell(f"{name:<12} {value}"))
    if isinstance(snapshot.steps, list):
        console.print()
        console.print(step_table(snapshot.steps))


def step_table(steps: Iterable[Step]) -> Table:
    """Return a table with a row for each step."""
    table = Table("", "step", "type", "status", "began (UTC)", "took", "tries", box=None, pad_edge=False)
    table.add_column("what came of it", overflow="fold")
    for step in steps:
        mark, colour = STATUS_MARKS[step.status]
        branch = "  " * step.path.count(".")
        status = Text(status_word(step), style=colour)
        tries = str(step.attempts) if step.attempts > 1 else ""
        row = (
            f"{branch}{step.path}  {step.name}",
            step.type,
            status,
            step.began[11:23],
            _took(step),
            tries,
            _came(step),
        )
        table.add_row(Text(mark, style=colour), *(one if isinstance(one, Text) else cell(one) for one in row))
    return table


def status_word(step: Step) -> str:
    """Return what people call a step's status."""
    return STATUS_WORDS.get(step.status, step.status)


def _took(step: Step) -> str:
    """Return how long a step took, as people read it; empty while it goes on."""
    if step.ended is None:
        return ""
    return duration_text((datetime.fromisoformat(step.ended) - datetime.fromisoformat(step.began)).total_seconds())


def step_line(step: Step) -> Text:
    """Return one line with a step's status."""
    mark, colour = STATUS_MARKS[step.status]
    text = Text(f"{mark} ", style=colour)
    text.append(printable(f"{step.path}  {step.name}: {status_word(step)}"), style="default")
    came = _came(step) if step.status is StepStatus.FAILED else ""
    return text.append(printable(f" ({came})") if came else "", style="dim")


def _came(step: Step) -> str:
    """Return the outcome of a step in a few words: its problem, its result, else the child that runs it."""
    problem = _problem(step.problem)
    if problem is not None:
        return f"{problem.code}: {' '.join(problem.detail.split())}"
    if isinstance(step.result, msgspec.Raw):
        text = bytes(step.result).decode()
        return text if len(text) <= 80 else text[:79] + "…"
    return step.child or ""


def _problem(value: object) -> Problem | None:
    """Return the problem of a snapshot; None: there is none, or a later release wrote it in a form unknown here."""
    try:
        return msgspec.json.decode(value, type=Problem) if isinstance(value, msgspec.Raw) else (
            msgspec.convert(value, Problem) if isinstance(value, dict) else None
        )  # fmt: skip
    except msgspec.MsgspecError:
        return None
