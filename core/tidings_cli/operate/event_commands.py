"""The commands `tidings events …`: look at groups of consumers, move them, stop them, and follow events."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from redis.asyncio import Redis

from tidings.logging.printable import printable_json
from tidings.protocol.tokens import queue_of
from tidings.store.groups.group_admin import AT_END, FROM_START, GroupAdmin, GroupCommand, before_ms
from tidings.store.groups.group_counts import GroupCount, count_groups
from tidings.store.redis.store_client import keys_of
from tidings_cli.command_errors import CommandError
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .event_tail import tail
from .group_view import groups_table, warnings_of
from .local_operator import operator_actions
from .moment import moment_ms
from .queue_names import chosen_queues

events = typer.Typer(help="Look at groups that consume events, move or stop them; follow events", no_args_is_help=True)
events.command("tail")(tail)

Group = Annotated[str, typer.Argument(help="The group's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InQueue = Annotated[str | None, typer.Option("--queue", help="In this queue alone; else in all that it follows.")]

_POSITION = re.compile(r"\d{1,19}-\d{1,19}")

MAX_SHOWN = 1_000
"""Dead events that are listed, or given again by one command, for each queue."""


@events.command("list")
@store_flags
def list_groups(as_json: AsJson = False, **flags: Any) -> None:
    """Show the groups: what they follow, how far behind they are, what they have missed."""

    async def run(store: Redis) -> None:
        groups = await count_groups(store, keys_of(store), await chosen_queues(store, ""))
        if as_json:
            print(printable_json(groups))  # noqa: T201
            return
        console = open_console()
        console.print(groups_table(groups))
        for text in warnings_of(groups):
            console.print(cell(text, style="yellow"))

    with_store(flags, run)


@events.command("replay")
@store_flags
def replay(
    group: Group,
    since: Annotated[
        str | None, typer.Option("--since", help="A moment (2026-11-30T07:00:00Z), or how long ago (90s, 10m, 1h, 2d).")
    ] = None,
    position: Annotated[
        str | None, typer.Option("--position", help="Behind this entry, such as 1796024856984-0.")
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="From the first event that the store has.")] = False,
    queue: InQueue = None,
    **flags: Any,
) -> None:
    """Have one group go back, and handle again what it has handled; the other groups stay where they are."""
    if sum((since is not None, position is not None, from_start)) != 1:
        raise CommandError("say where the group is to begin, by one of: --since, --position, --from-start")

    if position is not None and not _POSITION.fullmatch(position):
        raise CommandError(f"--position {position[:80]}: a place is two numbers, such as 1796024856984-0")

    async def run(store: Redis) -> None:
        to = FROM_START if from_start else position or before_ms(await moment_ms(store, "--since", since or ""))
        for one in await _groups_named(store, group, queue):
            move = await operator_actions(store).move_group(group, one, to)
            text = f"{group} goes on in {one} behind {move.position}."
            if move.first and move.position != FROM_START and _place(move.position) < _place(move.first):
                text += f" The first event that the store has is {move.first}: what was before it is gone."
            open_console().print(cell(text))

    with_store(flags, run)


@events.command("skip")
@store_flags
def skip(group: Group, queue: InQueue = None, **flags: Any) -> None:
    """Have one group pass over all that it has not handled, and go on with what comes."""

    async def run(store: Redis) -> None:
        for one in await _groups_named(store, group, queue):
            move = await operator_actions(store).move_group(group, one, AT_END)
            open_console().print(
                cell(f"{group} goes on in {one} behind {move.position}; {move.dropped} waited for a try.")
            )

    with_store(flags, run)


@events.command("pause")
@store_flags
def pause(group: Group, queue: InQueue = None, **flags: Any) -> None:
    """Pause one group: it takes no events, and they wait for it."""
    _command(group, queue, GroupCommand.PAUSE, ("is paused", "was paused already"), flags)


@events.command("resume")
@store_flags
def resume(group: Group, queue: InQueue = None, **flags: Any) -> None:
    """Have a paused group take events again."""
    _command(group, queue, GroupCommand.RESUME, ("takes events again", "was not paused"), flags)


@events.command("forget")
@store_flags
def forget(group: Group, **flags: Any) -> None:
    """Forget a group that no worker serves any more: nothing is written for it, and its dead events are gone."""
    _command(group, None, GroupCommand.FORGET, ("is forgotten", "was not there"), flags)


@events.command("dead")
@store_flags
def dead(group: Group, as_json: AsJson = False, queue: InQueue = None, **flags: Any) -> None:
    """Show the events that a group could not handle, and why."""

    async def run(store: Redis) -> None:
        found = []
        for one in await _groups_named(store, group, queue):
            found += [(one, event) for event in await GroupAdmin(store, keys_of(store), one).dead(group, MAX_SHOWN)]
        rows = [
            {
                "queue": one, "letter": event.letter, "token": f"{one}.{event.job}", "kind": event.kind,
                "event": event.name, "tries": event.tries, "why": event.why,
            }
            for one, event in found
        ]  # fmt: skip
        if as_json:
            print(printable_json(rows))  # noqa: T201
            return
        for row in rows:
            text = "{letter}  {queue}  {token}  {kind}: {event}  after {tries} tries: {why}".format(**row)
            open_console().print(cell(text))

    with_store(flags, run)


@events.command("retry")
@store_flags
def retry(
    group: Group,
    letters: Annotated[list[str] | None, typer.Argument(help="The letters, as `dead` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    queue: InQueue = None,
    **flags: Any,
) -> None:
    """Give a group events again that it could not handle."""
    if bool(letters) == everything:
        raise CommandError("name the letters that are to be tried again, or say --all")

    async def run(store: Redis) -> None:
        given = 0
        for one in await _groups_named(store, group, queue):
            known = [event.letter for event in await GroupAdmin(store, keys_of(store), one).dead(group, MAX_SHOWN)]
            wanted = known if everything else [letter for letter in letters or () if letter in known]
            answers = await operator_actions(store).retry_events(group, one, wanted) if wanted else []
            given += answers.count("ok")
            for letter, answer in zip(wanted, answers, strict=True):
                if answer.startswith("!"):
                    open_console().print(cell(f"{letter}: {answer[1:]}", style="red"))
        open_console().print(cell(f"{given} events go to {group} again."))
        if not given:
            raise typer.Exit(1)

    with_store(flags, run)


def _command(
    group: str, queue: str | None, command: GroupCommand, says: tuple[str, str], flags: dict[str, Any]
) -> None:
    async def run(store: Redis) -> None:
        for one in await _groups_named(store, group, queue):
            answer = await operator_actions(store).command_group(group, one, command)
            open_console().print(cell(f"{group} in {one} {says[answer != 'ok']}."))

    with_store(flags, run)


async def _groups_named(store: Redis, group: str, queue: str | None) -> list[str]:
    """Return the queues in which a group follows events.

    Raises:
        CommandError: there is no such group there.

    """
    groups = await count_groups(store, keys_of(store), await chosen_queues(store, ""))
    found = [one.queue for one in groups if one.group == group and queue in (None, one.queue, queue_of(one.queue))]
    if not found:
        where = f" in {queue}" if queue else ""
        raise CommandError(f"there is no group {group!r}{where}; known: {_names(groups) or 'none'}")
    return found


def _names(groups: Sequence[GroupCount]) -> str:
    return ", ".join(sorted({one.group for one in groups}))


def _place(entry: str) -> tuple[int, int]:
    ms, _, number = entry.partition("-")
    return int(ms), int(number)
