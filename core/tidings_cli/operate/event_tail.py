"""The command `tidings events tail`: what happens to jobs, as JSON lines, while it happens."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer
from redis.asyncio import Redis

from tidings.logging.printable import printable
from tidings.protocol.event_pattern import MAX_PATTERNS, TERMINAL_EVENTS, EventPattern
from tidings.store.groups.event_feed import START, EventFeed, FeedFullError, FeedPage, read_cursor
from tidings.store.groups.event_text import event_text
from tidings.store.groups.group_store import BOUNDS_KEPT
from tidings.store.redis.store_client import keys_of
from tidings_cli.command_errors import CommandError
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import error_console, plain

from .moment import moment_ms
from .queue_names import known_queues

WAIT_MS = 2_000
"""How long one look waits for an event; new queues are looked for between two."""


@store_flags
def tail(
    kinds: Annotated[list[str] | None, typer.Argument(help="Kinds, or patterns such as order.*; default: all.")] = None,
    *,
    events: Annotated[
        list[str] | None, typer.Option("--event", help="Such an event; may be repeated. Default: those that end a job.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="A moment (2026-11-30T07:00:00Z), or how long ago (90s, 10m, 1h, 2d).")
    ] = None,
    position: Annotated[
        str | None, typer.Option("--position", help="Behind the place that an earlier one named.")
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="All that the store still has.")] = False,
    cloudevents: Annotated[bool, typer.Option("--cloudevents", help="Print CloudEvents 1.0.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="End after so many events.")] = None,
    **flags: Any,
) -> None:
    """Print what happens to jobs, one JSON object a line, until Ctrl-C; from now on, or from a moment or a place on.

    Events are written for it while it runs, and for an hour more; earlier ones are there if a group or a feed followed
    them.
    """
    if sum((since is not None, position is not None, from_start)) > 1:
        raise CommandError("say where it is to begin by one of: --since, --position, --from-start")
    cursor = _checked(START if from_start else position or "")
    patterns = _patterns(kinds or ["*"], events or list(TERMINAL_EVENTS))

    async def run(store: Redis) -> None:
        since_ms = 0 if since is None else await moment_ms(store, "--since", since)
        feed = EventFeed(store, keys_of(store), patterns, BOUNDS_KEPT, cursor, since_ms)
        writer = _EventWriter(feed, as_cloudevents=cloudevents, left=limit, resumed=position is not None)
        try:
            await writer.run(store)
        except FeedFullError as error:
            text = f"the queue {error} writes for as many feeds of different kinds as it may; an hour after its last "
            raise CommandError(text + "reader a feed ends") from None
        finally:
            if feed.cursor:
                error_console().print(plain(f"To go on from here: --position {feed.cursor}"), highlight=False)

    with_store(flags, run)


class _EventWriter:
    """Prints the events of a feed."""

    def __init__(self, feed: EventFeed, *, as_cloudevents: bool, left: int | None, resumed: bool) -> None:
        self._feed = feed
        self._as_cloudevents = as_cloudevents
        self._left = left
        self._resumed = resumed

    async def run(self, store: Redis) -> None:
        """Print until there were as many as wanted, or it is cancelled."""
        while True:
            await self._feed.follow(await known_queues(store))
            found = False
            for queue, page in await self._feed.read():
                found = self._print(queue, page) or found
                if self._left == 0:
                    return
            if not found:
                sys.stdout.flush()
                await self._feed.wait(WAIT_MS)

    def _print(self, queue: str, page: FeedPage) -> bool:
        """Print a page; return whether there may be more."""
        if page.missed > 0 or (page.missed and self._resumed):
            count = page.missed if page.missed > 0 else "an unknown number of"
            error_console().print(
                f"[yellow]{count} events of {plain(queue)} were missed: the store has trimmed them[/]"
            )
        self._resumed = False
        for event in page.events:
            try:
                text = event_text(queue, event, as_cloudevent=self._as_cloudevents)
            except (msgspec.DecodeError, UnicodeDecodeError):
                text = msgspec.json.encode({"kind": event.kind, "event": event.name, "unreadable": True}).decode()
            print(printable(text))  # noqa: T201 - this is the command line
            self._feed.reach(queue, event.entry, event.ordinal)
            if self._left is not None:
                self._left -= 1
                if self._left == 0:
                    return True
        self._feed.reach(queue, page.position, page.ordinal)
        return bool(page.events or page.more)


def _patterns(kinds: Sequence[str], events: Sequence[str]) -> list[EventPattern]:
    if len(kinds) > MAX_PATTERNS:
        raise CommandError(f"{len(kinds)} kinds are named; allowed: {MAX_PATTERNS}")
    try:
        return [EventPattern.of(kind, events) for kind in kinds]
    except ValueError as error:
        raise CommandError(str(error)) from None


def _checked(cursor: str) -> str:
    try:
        if cursor != START:
            read_cursor(cursor)
    except ValueError as error:
        raise CommandError(f"--position: {error}") from None
    return cursor
