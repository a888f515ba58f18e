"""Dead letters in a terminal: a table of many, one in full."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.table import Table

from tidings.logging.printable import printable, printable_json
from tidings.store.admin.dead_letter import DeadLetter, UnsuccessfulAttempt
from tidings_cli.terminal import cell

DETAIL_CHARACTERS = 80
"""Of a problem in a table; `tidings dead show` has all."""


def letter_table(letters: Iterable[DeadLetter]) -> Table:
    """Return a table with a row for each letter."""
    table = Table()
    table.add_column("token", no_wrap=True)  # one copies it
    for name in ("kind", "attempts", "when (UTC)", "code"):
        table.add_column(name, overflow="fold")
    table.add_column("detail", overflow="fold")  # were it not to wrap, it would leave the others no width
    for one in letters:
        detail = " ".join(one.detail.split())
        if len(detail) > DETAIL_CHARACTERS:
            detail = detail[: DETAIL_CHARACTERS - 1] + "…"
        row = (one.token, one.kind, str(one.attempt), utc_text(one.died), one.code, detail)
        table.add_row(*map(cell, row))
    return table


def print_letter(letter: DeadLetter, console: Console) -> None:
    """Print everything that a letter holds."""
    replays = f" and {_times(letter.replays, 'replay')}" if letter.replays else ""
    lines = [
        ("token", letter.token),
        ("kind", f"{letter.kind}, version {letter.version}"),
        ("queue", f"{letter.queue}, tier {letter.tier}"),
        ("died", f"{utc_text(letter.died)} UTC, after {_times(letter.attempt, 'attempt')}{replays}"),
        ("owner", letter.owner),
        ("tags", letter.tags),
        ("correlation", letter.correlation_id),
        ("problem", f"{letter.code}: {letter.detail}"),
    ]
    for name, value in lines:
        if value:
            console.print(cell(f"{name:<12} {value}"))
    milestones = [f"{name:<12} {_exact(ms)}" for name, ms in letter.milestones.items()]
    _section(console, "Milestones (UTC)", milestones)
    _section(console, "History", [_past(one) for one in letter.history])
    _section(console, "Input", _input(letter).split("\n"))
    _section(console, "Traceback", printable(letter.traceback, lines=True).split("\n") if letter.traceback else [])


def utc_text(ms: int) -> str:
    """Return ms since the epoch as people read it, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _exact(ms: int) -> str:
    return f"{utc_text(ms)}.{ms % 1000:03}"


def _times(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _past(past: UnsuccessfulAttempt) -> str:
    why = f"  {past.problem.code}: {past.problem.detail}" if past.problem is not None else ""
    return f"{_exact(past.at)}  attempt {past.attempt} {past.event} on {past.worker}{why}"


def _input(letter: DeadLetter) -> str:
    """Return the input as JSON; of one that is none, what there is."""
    try:
        return printable_json(letter.input)
    except msgspec.MsgspecError:
        return printable(bytes(letter.input).decode(errors="replace"))


def _section(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print(f"\n{title}")
        for line in lines:
            console.print(cell(f"  {line}"))
