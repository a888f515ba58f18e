"""An act on many dead letters: a preview, then batches at a bounded rate."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import anyio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tidings.store.admin.operator_actions import LetterAction, LetterBatches
from tidings_cli.terminal import error_console

from .letter_selection import SelectedLetters
from .letter_view import letter_table

LARGEST_BATCH = 100
"""Letters in one call of the store at the most."""

BATCHES_PER_S = 10
"""Calls over which the letters of one second are spread."""


class BulkAction(NamedTuple):
    """An act on letters."""

    verb: LetterAction
    done: str
    """The verb's participle."""
    rate: float | None = None
    """Letters a second; None: as fast as the store takes them."""

    @property
    def batch(self) -> int:
        """Letters in one call."""
        return LARGEST_BATCH if self.rate is None else max(1, min(LARGEST_BATCH, int(self.rate / BATCHES_PER_S)))


def print_preview(act: BulkAction, chosen: SelectedLetters, console: Console) -> None:
    """Print what the act would do."""
    console.print(letter_table(chosen.first))
    if len(chosen) > len(chosen.first):
        console.print(f"… and {len(chosen) - len(chosen.first)} more.")
    pace = f", at most {act.rate:g} a second" if act.rate is not None else ""
    console.print(f"{_letters(len(chosen))} would be {act.done}{pace}; nothing has been done. Add --yes to do it.")


async def perform(act: BulkAction, chosen: SelectedLetters, batches: LetterBatches, answers: Counter[str]) -> None:
    """Act on all chosen letters, and count the answers as they come.

    The operator may interrupt it at any moment: each batch is one atomic call, and a repeated one changes nothing.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    started = anyio.current_time()
    with Progress(*columns, console=error_console()) as bar:
        task = bar.add_task(act.verb, total=len(chosen))
        for queue, entries in _batches(act, chosen):
            if act.rate is not None:
                await anyio.sleep(max(0, started + answers.total() / act.rate - anyio.current_time()))
            answers.update(await batches.perform(queue, entries))
            bar.update(task, completed=answers.total())


def print_summary(act: BulkAction, chosen: SelectedLetters, answers: Counter[str], console: Console) -> None:
    """Print what the act did."""
    left = answers["gone"] + answers["live"] + answers["held"]
    console.print(f"{_letters(answers.total() - left)} {act.done}.")
    if answers["gone"]:
        console.print(f"{_letters(answers['gone'])} had been replayed or dropped meanwhile.")
    if answers["live"]:
        console.print(f"{_letters(answers['live'])} left alone: the job is not failed.")
    if answers["held"]:
        console.print(f"{_letters(answers['held'])} left alone: another job with its unique value lives.")
    if answers.total() < len(chosen):
        console.print(f"Interrupted: {len(chosen) - answers.total()} to go; run it again.")


def _batches(act: BulkAction, chosen: SelectedLetters) -> Iterator[tuple[str, list[str]]]:
    for queue, entries in chosen.entries.items():
        for first in range(0, len(entries), act.batch):
            yield queue, entries[first : first + act.batch]


def _letters(count: int) -> str:
    return f"{count} dead letter" + ("" if count == 1 else "s")
