"""The commands `tidings webhook …`: look at deliveries, try them again, pause hosts, make a secret."""

from typing import Annotated, Any, Literal

import msgspec
import typer
from redis.asyncio import Redis
from rich.table import Table

from tidings.logging.printable import printable_json, printable_json_line
from tidings.protocol.tokens import parse_token
from tidings.protocol.webhooks import DeliveryView
from tidings.store.admin.delivery_views import delivery_page, delivery_view
from tidings.store.redis.store_client import keys_of
from tidings.store.webhook_store import PageName, WebhookAct, WebhookStore
from tidings.webhook import new_secret
from tidings_cli.command_errors import CommandError
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .local_operator import operator_actions
from .queue_names import chosen_queues, known_queues

webhook = typer.Typer(help="Look at deliveries to webhooks, try them again, pause hosts.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(help="Deliveries by their ids (`list`), or tokens of jobs.")]
Place = Annotated[str, typer.Argument(help="The host; with its port where that is not 443 (or 80).")]
QueueName = Annotated[str, typer.Option("--queue", help="Of this queue.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
State = Annotated[Literal["pending", "done", "dead"], typer.Option("--state", help="Which.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many of each queue.")]

AT_ONCE = 200
"""Deliveries in one call of the store."""

_to_builtins = msgspec.to_builtins


@webhook.command("secret")
def secret() -> None:
    """Make a secret, for TIDINGS_WEBHOOK_SECRETS and for the receiver."""
    print(new_secret())  # noqa: T201 - this is the command line


@webhook.command("list")
@store_flags
def list_(
    *,
    state: State = "pending",
    queue: QueueName = "",
    host: Annotated[str, typer.Option("--host", help="To this host alone.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    **flags: Any,
) -> None:
    """List deliveries: those that are not over (the oldest first), were delivered, or are dead (the newest first)."""
    console = open_console()

    async def run(store: Redis) -> None:
        found, total = [], 0
        webhooks = WebhookStore(store, keys_of(store))
        for name in await chosen_queues(store, queue):
            page = delivery_page(name, await webhooks.page(name, state, host, 0, limit), 0, limit)
            found += page.deliveries
            total += page.total
        if as_json:
            for one in found:
                print(printable_json_line(_to_builtins(one)))  # noqa: T201
        elif found:
            console.print(_table(found))
            if len(found) < total:
                console.print(f"{len(found)} of {total}; --limit shows more.")
        else:
            console.print(f"There are no {state} deliveries.")

    with_store(flags, run)


@webhook.command("show")
@store_flags
def show_(
    token: Annotated[str, typer.Argument(help="The token of a job.")], *, as_json: AsJson = False, **flags: Any
) -> None:
    """Show the deliveries of a job, with each try."""
    console = open_console()

    async def run(store: Redis) -> None:
        found = await _of_job(store, token)
        if as_json:
            print(printable_json([_to_builtins(one) for one in found]))  # noqa: T201
            return
        if not found:
            raise CommandError(f"the job {token} has no deliveries: it asked for none, or none is kept any more")
        for one in found:
            console.print(cell(f"{one.id}  {one.event}  {one.state}  {one.url}", "bold"))
            when = one.next_try or one.ended or ""
            since = "next" if one.next_try else "since"
            console.print(cell(f"  webhook-id {one.webhook_id}; made {one.created}; {since} {when}"))
            for tried in one.attempts:
                said = tried.error or f"status {tried.status}"
                head = f": {tried.head[:200]}" if tried.head else ""
                console.print(cell(f"  {tried.at}  {tried.duration_ms} ms  {said}{head}"))

    with_store(flags, run)


@webhook.command("replay")
@store_flags
def replay(names: Names, **flags: Any) -> None:
    """Try deliveries again, from now: dead ones, those that wait for their next try, and those that were delivered."""
    _act_on_deliveries("replay", names, flags)


@webhook.command("drop")
@store_flags
def drop(names: Names, **flags: Any) -> None:
    """Give up deliveries that wait, and remove dead ones."""
    _act_on_deliveries("drop", names, flags)


@webhook.command("pause")
@store_flags
def pause(place: Place, **flags: Any) -> None:
    """Pause a host: it gets no deliveries until it is resumed; they wait."""
    _act_on_place("pause", place, flags)


@webhook.command("resume")
@store_flags
def resume(place: Place, **flags: Any) -> None:
    """Resume a host that was paused."""
    _act_on_place("resume", place, flags)


def _act_on_deliveries(act: WebhookAct, names: list[str], flags: dict[str, Any]) -> None:
    async def run(store: Redis) -> None:
        console = open_console()
        done = 0
        for where, chosen in (await _chosen(store, names)).items():
            for first in range(0, len(chosen), AT_ONCE):
                some = chosen[first : first + AT_ONCE]
                answers = await operator_actions(store).act_on_webhooks(act, where, some)
                done += answers.count("ok")
                for name, answer in zip(some, answers, strict=True):
                    if answer != "ok":
                        console.print(cell(f"{name}: {_WHY[answer]}"))
        console.print(f"{done} {'replayed' if act == 'replay' else 'dropped'}.")

    with_store(flags, run)


_WHY = {
    "gone": "there is no such delivery (any more)",
    "busy": "a worker is sending it at the moment",
    "same": "it is over, and not dead",
}


def _act_on_place(act: WebhookAct, place: str, flags: dict[str, Any]) -> None:
    async def run(store: Redis) -> None:
        queues = await chosen_queues(store, "")
        answers = [(await operator_actions(store).act_on_webhooks(act, queue, [place]))[0] for queue in queues]
        changed = "ok" in answers
        if act == "pause":
            ends = f"is paused: `tidings webhook resume {place}` ends it."
            text = f"{place} {ends}" if changed else f"{place} was paused already."
        else:
            text = f"{place} gets deliveries again." if changed else f"{place} was not paused."
        open_console().print(cell(text))

    with_store(flags, run)


async def _chosen(store: Redis, names: list[str]) -> dict[str, list[str]]:
    """Return the deliveries that are meant, by their queues."""
    found: dict[str, list[str]] = {}
    known = await known_queues(store)
    for name in names:
        meant = [one.id for one in await _of_job(store, name)] if parse_token(name) is not None else [name]
        for one in meant:
            queue, _, delivery = one.partition(".")
            if queue not in known or not delivery:
                raise CommandError(f"{name!r} is neither the id of a delivery nor the token of a job")
            found.setdefault(queue, []).append(delivery)
    return found


async def _of_job(store: Redis, text: str) -> list[DeliveryView]:
    token = parse_token(text)
    if token is None:
        raise CommandError(f"{text!r} is no token")
    webhooks, found, total = WebhookStore(store, keys_of(store)), list[DeliveryView](), 1
    what: PageName = "job"
    while len(found) < total:
        total, rows = await webhooks.page(token.partition, what, token.id, len(found), AT_ONCE)
        if not rows:
            break
        found += [delivery_view(token.partition, row) for row in rows]
    return found


def _table(found: list[DeliveryView]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "event", "host", "state", "tries", "created", "next try", "last answer"):
        table.add_column(name)
    for one in found:
        last = one.attempts[-1] if one.attempts else None
        said = "" if last is None else last.error or f"{last.status} {(last.head or '')[:60]}"
        shown = (one.id, one.event, one.place, one.state, one.tries, one.created, one.next_try or "", said)
        table.add_row(*map(cell, shown))
    return table
