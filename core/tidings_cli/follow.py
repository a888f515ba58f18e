"""Following a job in a terminal: a live bar, its log, its result."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tidings.client import Event, Handle, JobCancelled, JobExpired, JobFailed
from tidings.client.protocol.saga_steps import SagaSteps
from tidings.logging.printable import printable_json

from .step_timeline_view import step_line
from .stream_output import print_stream
from .terminal import cell, error_console, plain

COMPENSATION_TEXT = {
    "complete": "Everything that had been done was undone.",
    "incomplete": "Not all that had been done could be undone; it is among the dead letters.",
}
"""The `compensation` of a saga's problem → what the command line says of it."""


async def follow(handle: Handle, name: str) -> int:
    """Show a job until it ends; return the exit code: 0 if it succeeded, else 1."""
    console = error_console()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(plain(name), total=None, message=f"[dim]{plain(handle.token)}[/dim]")
        steps = SagaSteps()  # the handle's own are ahead of the events that wait here
        async for event in handle:
            _show(bar, task, event)
            if event.name == "step" and (step := steps.apply_event(event)) is not None:
                bar.console.print(step_line(step))
    return await _end(handle, console)


async def follow_stream(handle: Handle, name: str) -> int:
    """Print a stream of a job until the job ends; return the exit code: 0 if it succeeded, else 1."""
    console = error_console()
    await print_stream(handle, name, console)
    return await _end(handle, console, show_result=False)


def _show(bar: Progress, task: TaskID, event: Event) -> None:
    match event.name:
        case "progress":
            fraction = event.data.get("fraction")
            message = plain(event.data.get("message") or "")
            bar.update(task, total=None if fraction is None else 1.0, completed=fraction or 0, message=message)
        case "log":
            bar.console.print(cell(_line(event.data)))
        case "retrying":
            after = event.data.get("after")
            again = "" if after is None else f"; again in {after:g} s"  # a snapshot does not hold it
            bar.update(task, message=plain(f"attempt {event.data.get('attempt')} failed{again}"))
        case "succeeded":
            bar.update(task, total=1.0, completed=1.0, message="[green]succeeded[/green]")
        case "started" | "queued" | "waiting" | "cancelled" | "expired" | "failed":
            bar.update(task, message=event.name)


def _line(data: Any) -> str:
    text = data if isinstance(data, str) else msgspec.json.encode(data).decode()
    return text if len(text) <= 200 else text[:199] + "…"


async def _end(handle: Handle, console: Console, *, show_result: bool = True) -> int:
    try:
        result = await handle.result(timeout=10)
    except JobFailed as error:
        console.print(f"[red]failed[/red] {plain(error)}")
        if error.problem.compensation is not None:
            console.print(COMPENSATION_TEXT.get(error.problem.compensation, ""))
        return 1
    except (JobCancelled, JobExpired) as error:
        console.print(f"[red]{plain(error)}[/red]")
        return 1
    if show_result:
        sys.stdout.write(printable_json(result) + "\n")
    return 0
