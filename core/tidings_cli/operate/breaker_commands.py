"""The commands `tidings breaker …`: look at circuit breakers, open and close them by hand."""

import difflib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from tidings.circuit.breaker_record import BreakerRecord, BreakerState, BreakerView
from tidings.logging.printable import printable_json, printable_json_line
from tidings.protocol.frames.admin_messages import BreakerOrder
from tidings.store.admin.operator_actions import OperatorActions
from tidings.store.breaker_store import BreakerStore, ShownBreaker
from tidings.store.redis.store_client import keys_of
from tidings.store.registry import Registry
from tidings_cli.command_errors import CommandError
from tidings_cli.duration import read_duration
from tidings_cli.store_command import store_flags, with_store
from tidings_cli.terminal import cell, open_console

from .dead_letters.letter_view import utc_text
from .local_operator import operator_actions

breaker = typer.Typer(help="Look at circuit breakers, open and close them by hand.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The breaker's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
For = Annotated[str | None, typer.Option("--for", help="How long: 90s, 10m, 1h, 2d.")]

MAX_FOR_S = 31_536_000.0
"""The longest time for which a breaker may be held: a year."""

_encode = msgspec.json.Encoder().encode


@breaker.command("list")
@store_flags
def list_(*, as_json: AsJson = False, **flags: Any) -> None:
    """List the breakers that calls have used; with --json one object a line."""
    console = open_console()

    async def run(store: Redis) -> None:
        found = await BreakerStore(store, keys_of(store)).shown()
        if as_json:
            for one in found:
                print(printable_json_line(_document(one)))  # noqa: T201 - this is the command line
        elif found:
            console.print(_table(found))
        else:
            console.print("There is no breaker yet: one is known once a call has come by it.")

    with_store(flags, run)


@breaker.command("show")
@store_flags
def show_(name: Name, *, as_json: AsJson = False, **flags: Any) -> None:
    """Show a breaker: its state, the calls in its window, its limits, the last failures."""

    async def run(store: Redis) -> None:
        found = {one.name: one for one in await BreakerStore(store, keys_of(store)).shown()}
        if name not in found:
            raise await _unknown(store, name, found)
        if as_json:
            print(printable_json(_document(found[name])))  # noqa: T201
        else:
            _show(found[name], open_console())

    with_store(flags, run)


@breaker.command("open")
@store_flags
def open_(name: Name, *, for_: For = None, **flags: Any) -> None:
    """Open a breaker: it lets no call through for the time given; without --for until an operator closes it."""
    seconds = _seconds(for_)
    _act(name, flags, lambda actions: actions.hold_breaker(name, BreakerOrder(state="open", seconds=seconds)))


@breaker.command("close")
@store_flags
def close(name: Name, *, for_: For = None, **flags: Any) -> None:
    """Close a breaker: it lets calls through. With --for it stays closed so long, however many calls fail."""
    seconds = _seconds(for_)
    order = BreakerOrder(state="auto" if seconds is None else "closed", seconds=seconds)
    _act(name, flags, lambda actions: actions.hold_breaker(name, order))


@breaker.command("reset")
@store_flags
def reset(name: Name, **flags: Any) -> None:
    """Close a breaker, and remove its counts and failures."""
    _act(name, flags, lambda actions: actions.reset_breaker(name))


def _act(name: str, flags: dict[str, Any], act: Callable[[OperatorActions], Awaitable[BreakerView]]) -> None:
    async def run(store: Redis) -> None:
        found = {one.name: one for one in await BreakerStore(store, keys_of(store)).shown()}
        if name not in found and name not in await _of_kinds(store):
            raise await _unknown(store, name, found)
        view = await act(operator_actions(store))
        open_console().print(cell(f"The breaker {name} is {_state(view.state)}{_until(view.wait_ms, view.state)}."))

    with_store(flags, run)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = read_duration("--for", text)
    if not 0 < seconds <= MAX_FOR_S:
        raise CommandError(f"--for {text}: a breaker is held for more than 0 s and at most a year")
    return seconds


async def _of_kinds(store: Redis) -> set[str]:
    kinds = await Registry(store, keys_of(store)).kinds()
    return {kind.breaker for kind in kinds.values() if kind.breaker is not None}


async def _unknown(store: Redis, name: str, found: dict[str, ShownBreaker]) -> CommandError:
    of_kinds = await _of_kinds(store)
    if name in of_kinds:
        return CommandError(f"no call has come by the breaker {name} yet: it is closed, and has nothing to show")
    known = sorted(set(found) | of_kinds)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        hint = f"did you mean {close[0]}?"
    elif known:
        hint = f"there are: {', '.join(known)}"
    else:
        hint = "there is none yet: one is known once a worker serves a kind with it, or a call has come by it"
    return CommandError(f"there is no breaker {name}; {hint}")


def _document(one: ShownBreaker) -> dict[str, Any]:
    """Return a breaker for JSON: times in ms since the epoch, durations in s."""
    machine, spec = one.machine, one.machine.spec
    calls, failures, slow = _totals(one)
    return {
        "name": one.name,
        "state": machine.state,
        "reason": machine.reason,
        "since": machine.since or None,
        "retry_after": _retry_after(machine.wait_ms(one.now_ms), machine.state),
        "held_closed_until": machine.hold_until if machine.hold_until > one.now_ms else None,
        "opened": machine.opened,
        "window": {"seconds": spec.window_ms / 1000, "calls": calls, "failures": failures, "slow": slow},
        "failure_rate": spec.failure_rate,
        "min_calls": spec.min_calls,
        "slow_call": spec.slow_ms / 1000 or None,
        "slow_rate": spec.slow_rate,
        "open_for": spec.open_ms / 1000,
        "last_failures": [
            {"at": note.at, "kind": note.kind, "worker": note.worker, "text": note.text} for note in machine.notes
        ],
    }


def _totals(one: ShownBreaker) -> tuple[int, int, int]:
    """Return how many calls, failures and slow calls the window holds now."""
    window = one.machine.spec.window_ms
    slices = [part for part in one.machine.slices if one.now_ms - part.start < window]
    return msgspec.structs.replace(one.machine, slices=slices).totals


def _retry_after(wait_ms: int, state: BreakerState) -> float | None:
    return None if state is BreakerState.CLOSED or wait_ms < 0 else wait_ms / 1000


def _state(state: BreakerState) -> str:
    return state.replace("_", "-")


def _until(wait_ms: int, state: BreakerState) -> str:
    if state is BreakerState.CLOSED:
        return ""
    if wait_ms < 0:
        return " until an operator closes it"
    if state is BreakerState.HALF_OPEN:
        return "; one call tries" if wait_ms else "; the next call tries"
    return f"; a call may try in {wait_ms / 1000:.3g} s" if wait_ms else "; the next call tries"


def _since(machine: BreakerRecord) -> str:
    return f"{utc_text(machine.since)} UTC" if machine.since else "the beginning"


def _table(found: list[ShownBreaker]) -> Table:
    table = Table()
    for column in ("breaker", "state", "since (UTC)", "why", "calls", "failed", "slow", "opened", "last failure"):
        table.add_column(column, overflow="fold" if column == "breaker" else "ellipsis", no_wrap=column != "breaker")
    for one in found:
        machine = one.machine
        state = f"{_state(machine.state)}{_until(machine.wait_ms(one.now_ms), machine.state)}"
        since = datetime.fromtimestamp(machine.since / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if machine.since else ""
        last = machine.notes[-1].text if machine.notes else ""
        row = (one.name, state, since, machine.reason, *map(str, _totals(one)), str(machine.opened), last)
        table.add_row(*map(cell, row))
    return table


def _show(one: ShownBreaker, console: Console) -> None:
    machine, spec = one.machine, one.machine.spec
    calls, failures, slow = _totals(one)
    slow_text = f", or {spec.slow_rate:.0%} slower than {spec.slow_ms / 1000:g} s" if spec.slow_ms else ""
    lines = [
        ("breaker", one.name),
        ("state", f"{_state(machine.state)}{_until(machine.wait_ms(one.now_ms), machine.state)}"),
        ("since", f"{_since(machine)}{f' ({machine.reason})' if machine.reason else ''}"),
        ("held closed", f"until {utc_text(machine.hold_until)} UTC" if machine.hold_until > one.now_ms else ""),
        ("window", f"{calls} calls, {failures} failed, {slow} slow, in the last {spec.window_ms / 1000:g} s"),
        ("opens at", f"{spec.failure_rate:.0%} failed{slow_text}, of at least {spec.min_calls} calls"),
        ("open for", f"{spec.open_ms / 1000:g} s"),
        ("opened", f"{machine.opened} times"),
    ]
    for name, value in lines:
        if value:
            console.print(cell(f"{name:<12} {value}"))
    if machine.notes:
        console.print("\nLast failures (UTC)")
        for note in reversed(machine.notes):
            console.print(cell(f"  {utc_text(note.at)}  {note.kind} on {note.worker}  {note.text}"))
