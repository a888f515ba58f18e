"""The commands `tidings dead …`: look at dead letters, replay them, drop them."""

from collections import Counter
from typing import Annotated, Any

import msgspec
import typer
from redis.asyncio import Redis

from tidings.logging.printable import printable_json, printable_json_line
from tidings.store.admin.dead_letter import DeadLetter
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.admin.operator_actions import LetterAction
from tidings.store.redis.store_client import keys_of
from tidings_cli.operate.local_operator import operator_actions
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import error_console, open_console

from .bulk_action import BulkAction, perform, print_preview, print_summary
from .letter_selection import LetterQuery, find_letters, queues, select_letters
from .letter_view import letter_table, print_letter

dead = typer.Typer(help="Look at dead letters, replay them, drop them.", no_args_is_help=True)

Tokens = Annotated[list[str] | None, typer.Argument(help="The jobs' tokens.")]
Kind = Annotated[str | None, typer.Option(help="Only letters of this kind.")]
Code = Annotated[str | None, typer.Option(help="Only those whose problem has this code.")]
OlderThan = Annotated[str | None, typer.Option(help="Only jobs that died so long ago or earlier: 90s, 15m, 1h, 2d.")]
NewerThan = Annotated[str | None, typer.Option(help="Only jobs that died in this last time: 90s, 15m, 1h, 2d.")]
Queue = Annotated[str | None, typer.Option(help="Only this queue; else all that are known.")]
Everything = Annotated[bool, typer.Option("--all", help="All letters.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said what would be done.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rate = Annotated[float, typer.Option(min=0.1, help="Jobs a second, so that new work is not held up.")]

_encode = msgspec.json.Encoder().encode


@dead.command("list")
@store_flags
def list_(
    *,
    kind: Kind = None,
    code: Code = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    queue: Queue = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at the most.")] = 100,
    as_json: AsJson = False,
    **flags: Any,
) -> None:
    """List dead letters, the newest first; with --json one object a line."""
    choice = LetterQuery([], kind, code, older_than, newer_than, queue)
    console = open_console()

    async def run(store: Redis) -> None:
        letters, more = await _newest(store, choice, limit)
        if as_json:
            for letter in letters:
                print(printable_json_line(letter))  # noqa: T201 - this is the command line
        elif letters:
            console.print(letter_table(letters))
        else:
            console.print("There is no such dead letter.")
        if more:
            error_console().print(f"There are more than {limit}: narrow it down, or give a larger --limit.")

    with_store(flags, run)


@dead.command("show")
@store_flags
def show_(
    token: Annotated[str, typer.Argument(help="The job's token.")], *, as_json: AsJson = False, **flags: Any
) -> None:
    """Show a dead letter: input, problem, traceback, history, milestones."""

    async def run(store: Redis) -> None:
        (letter,) = await find_letters(store, [token])
        if as_json:
            print(printable_json(letter))  # noqa: T201
        else:
            print_letter(letter, open_console())

    with_store(flags, run)


@dead.command("replay")
@store_flags
def replay(
    tokens: Tokens = None,
    *,
    kind: Kind = None,
    code: Code = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    queue: Queue = None,
    everything: Everything = False,
    rate: Rate = 50,
    yes: Yes = False,
    **flags: Any,
) -> None:
    """Put failed jobs back into their queues, under their tokens; their attempts count from 1 again."""
    choice = LetterQuery(tokens or [], kind, code, older_than, newer_than, queue, everything)
    _act(BulkAction(LetterAction.REPLAY, "replayed", rate), choice, flags, yes)


@dead.command("drop")
@store_flags
def drop(
    tokens: Tokens = None,
    *,
    kind: Kind = None,
    code: Code = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    queue: Queue = None,
    everything: Everything = False,
    yes: Yes = False,
    **flags: Any,
) -> None:
    """Remove dead letters for good; the jobs stay failed."""
    choice = LetterQuery(tokens or [], kind, code, older_than, newer_than, queue, everything)
    _act(BulkAction(LetterAction.DROP, "dropped"), choice, flags, yes)


def _act(act: BulkAction, choice: LetterQuery, flags: dict[str, Any], yes: bool) -> None:
    choice.check(act.verb)
    console = open_console()
    answers: Counter[str] = Counter()

    async def run(store: Redis) -> None:
        chosen = await select_letters(store, choice)
        if not len(chosen):
            console.print("There is no such dead letter.")
        elif not yes:
            print_preview(act, chosen, console)
        else:
            try:
                async with operator_actions(store).letters(act.verb, choice.for_audit) as batches:
                    await perform(act, chosen, batches, answers)
            finally:  # interrupted or not
                print_summary(act, chosen, answers, console)

    with_store(flags, run)


async def _newest(store: Redis, choice: LetterQuery, limit: int) -> tuple[list[DeadLetter], bool]:
    """Return up to `limit` letters, the newest first, and whether there are more."""
    selection = choice.selection
    letters, more = [], False
    for queue in await queues(store, choice.queue):
        page = await DeadLetters(store, keys_of(store), queue).page(selection, most=limit)
        letters += page.letters
        more = more or bool(page.next)
    letters.sort(key=lambda letter: letter.died, reverse=True)
    return letters[:limit], more or len(letters) > limit
