"""What operators change in a running system: this module performs each act and writes its entry in the audit log.

The server's endpoints and the command line both act through `OperatorActions`, so that no act lacks its entry, and
both write the same entry for the same act. Refusals are no acts: the server's audit middleware records those.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.circuit.breaker_record import BreakerView
from tidings.logging.printable import printable_json_line
from tidings.protocol.frames.admin_messages import BreakerOrder, LetterChoice, ObjectiveRule
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import Token
from tidings.store.availability.store_errors import StoreError, StoreUnconfirmedError
from tidings.store.breaker_store import BreakerStore
from tidings.store.groups.group_admin import GroupAdmin, GroupCommand, Move
from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.placement.placement_store import PlacementStore
from tidings.store.registry import Registry
from tidings.store.webhook_store import WebhookAct, WebhookStore

from .audit_log import AuditEntry, AuditStream
from .dead_letters import DeadLetters
from .objective_rules import Objectives
from .paused_queues import PausedQueues
from .sagas.saga_actions import SagaAction, act_on_sagas

HOLD_CLOSED_S = 3_600.0
"""How long a breaker is held closed where the operator gives no time, s."""


class Operator(NamedTuple):
    """The person or program that acts."""

    who: str
    """The owner of the credential; of a command line the user of the operating system, `@` and the host."""
    address: str
    """The address that the request came from; of a command line the host."""


class LetterAction(StrEnum):
    """What an operator does to dead letters."""

    REPLAY = "replay"
    """Put the failed jobs back into their queues."""
    DROP = "drop"
    """Remove the letters; the jobs stay failed."""


CHANGED = frozenset({"queued", "dropped"})
"""The answers of `DeadLetters` for a letter that was replayed or dropped."""

AuditWriter = Callable[[AuditEntry], Awaitable[None]]
"""Writes an entry. It must not raise `StoreError`: the act has been done, and the caller must learn that."""


class LetterBatches:
    """One act on many dead letters, batch by batch; the letters that it changed are counted."""

    def __init__(self, store: Redis, keys: StoreKeys, action: LetterAction) -> None:
        self._store = store
        self._keys = keys
        self._action = action
        self.changed: int = 0
        """Letters replayed or dropped so far."""

    async def perform(self, queue: str, entries: list[str]) -> list[str]:
        """Replay or drop letters of one queue, by their entry ids; return the answers of `DeadLetters`."""
        letters = DeadLetters(self._store, self._keys, queue)
        perform = letters.replay if self._action is LetterAction.REPLAY else letters.drop
        answers = await perform(entries)
        self.changed += sum(answer in CHANGED for answer in answers)
        return answers


class OperatorActions:
    """The acts of one operator; all of them raise `StoreError`, and then leave no entry unless they changed something.

    An act that found nothing to change leaves its entry among the refusals (`AuditStream.IDLE`), so that a repeated
    one cannot push acts out of the log.
    """

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        operator: Operator,
        write: AuditWriter,
        breakers: BreakerStore | None = None,
    ) -> None:
        """Bind the acts to a store and to their operator.

        Args:
            store: a client of the store; it stays the caller's to close.
            keys: the names of the namespace.
            operator: whom the entries name.
            write: writes the entries.
            breakers: the operations on breakers; None: those of `store`, whose changes of state go unobserved.

        """
        self._store = store
        self._keys = keys
        self._operator = operator
        self._write = write
        self._breakers = breakers or BreakerStore(store, keys)

    async def pause(self, queue: str) -> bool:
        """Have the workers of a queue take nothing; return whether it was not paused before."""
        changed = await PausedQueues(self._store, self._keys).pause(queue, self._operator.who)
        await self._record("pause", queue, changed=changed)
        return changed

    async def resume(self, queue: str) -> bool:
        """Have the workers of a paused queue take jobs again; return whether it was paused."""
        changed = await PausedQueues(self._store, self._keys).resume(queue)
        await self._record("resume", queue, changed=changed)
        return changed

    async def move_group(self, group: str, queue: str, to: str) -> Move:
        """Move a group of consumers in one queue's stream of events; see `GroupAdmin.move`."""
        move = await GroupAdmin(self._store, self._keys, queue).move(group, to)
        await self._record("move_group", f"{group} in {queue}", {"to": to}, changed=move.answer == "moved")
        return move

    async def command_group(self, group: str, queue: str, command: GroupCommand) -> str:
        """Pause, resume or forget a group of consumers in one queue; see `GroupAdmin.act`."""
        answer = await GroupAdmin(self._store, self._keys, queue).act(group, command)
        if command is GroupCommand.FORGET:  # so that no worker that registers a new kind has its queue follow it
            await GroupAdmin(self._store, self._keys, REGISTRY).act(group, command)
        await self._record(f"{command}_group", f"{group} in {queue}", changed=answer == "ok")
        return answer

    async def retry_events(self, group: str, queue: str, letters: list[str]) -> list[str]:
        """Give a group dead events again; see `GroupAdmin.retry`."""
        answers = await GroupAdmin(self._store, self._keys, queue).retry(group, letters)
        given = answers.count("ok")
        await self._record("retry_events", f"{group} in {queue}", {"events": given}, changed=given > 0)
        return answers

    async def remove_kinds(self, kinds: Sequence[str]) -> int:
        """Remove kinds from the registry; return how many of them it held."""
        removed = await Registry(self._store, self._keys).remove(kinds)
        await self._record("remove_kinds", " ".join(kinds), changed=bool(removed))
        return removed

    async def hold_breaker(self, name: str, order: BreakerOrder) -> BreakerView:
        """Hold a breaker open or closed, or close it and let it go by its calls; return what it is then."""
        view = await self._hold(name, order)
        await self._record("breaker", name, order)
        return view

    async def reset_breaker(self, name: str) -> BreakerView:
        """Close a breaker, and remove its counts and its failures; return what it is then."""
        view = await self._breakers.reset(name)
        await self._record("breaker", name, {"state": "reset"})
        return view

    async def replace_objectives(self, rules: Mapping[str, ObjectiveRule]) -> None:
        """Have these objectives, by kind, and no others."""
        await Objectives(self._store, self._keys).replace(dict(rules))
        await self._record("objectives", "", rules)

    async def spread(self, queue: str, count: int, records: Mapping[str, KindRecord]) -> None:
        """Spread the new jobs of a queue over so many partitions, which its workers serve by now.

        Args:
            queue: its name.
            count: how many.
            records: the kinds that workers have registered.

        Raises:
            ChangeLimitError: it has been spread too often of late.

        """
        await PlacementStore(self._store, self._keys).spread(queue, count, records)
        await self._record("partitions", queue, count)

    async def act_on_webhooks(self, act: WebhookAct, queue: str, names: Sequence[str]) -> list[str]:
        """Replay or drop deliveries of a queue, or pause or resume hosts to which it delivers.

        Returns:
            For each name what became of it, as `WebhookStore.act`.

        """
        answers = await WebhookStore(self._store, self._keys).act(queue, act, names)
        shown = [*names[:20], f"and {len(names) - 20} more"] if len(names) > 20 else names
        await self._record(f"webhook_{act}", queue, list(shown), changed="ok" in answers)
        return answers

    async def act_on_sagas(self, act: SagaAction, queue: str, jobs: Sequence[str]) -> list[str]:
        """Release held sagas of a queue, or pin sagas to their version, by their jobs' ids; see `act_on_sagas`."""
        answers = await act_on_sagas(self._store, self._keys, queue, act, jobs)
        shown = [*jobs[:20], f"and {len(jobs) - 20} more"] if len(jobs) > 20 else list(jobs)
        await self._record(f"{act}_saga", queue, shown, changed="ok" in answers)
        return answers

    async def cancel(self, token: Token, cancel: Callable[[], Awaitable[None]]) -> None:
        """Ask that a job stop.

        Args:
            token: the job's.
            cancel: asks; what it raises passes on, and then there is no entry.

        """
        await cancel()
        await self._record("cancel", str(token))

    @asynccontextmanager
    async def letters(self, action: LetterAction, choice: LetterChoice) -> AsyncGenerator[LetterBatches, None]:
        """Act on many dead letters; the entry follows the last batch, or the one at which the act broke off.

        Args:
            action: what is done to them.
            choice: how the operator chose them, for the entry.

        """
        batches = LetterBatches(self._store, self._keys, action)
        try:
            yield batches
        except BaseException as error:  # also of an operator who interrupts a command: some letters may be changed
            unconfirmed = isinstance(error, StoreUnconfirmedError)  # then the batch at which it broke off was done too
            if batches.changed or unconfirmed:
                outcome = "store_unavailable" if isinstance(error, StoreError) else "done"
                await self._record(action, "", choice, outcome="unconfirmed" if unconfirmed else outcome)
            raise
        await self._record(action, "", choice, changed=bool(batches.changed))

    async def _hold(self, name: str, order: BreakerOrder) -> BreakerView:
        match order.state:
            case "open":
                return await self._breakers.open(name, order.seconds or 0)
            case "closed":
                return await self._breakers.close(name, order.seconds or HOLD_CLOSED_S)
            case "auto":
                return await self._breakers.close(name)

    async def _record(
        self, action: str, target: str, detail: object = None, *, changed: bool = True, outcome: str = "done"
    ) -> None:
        entry = AuditEntry(
            who=self._operator.who,
            address=self._operator.address,
            action=action,
            target=target,
            detail="" if detail is None else _text(detail),
            outcome=outcome,
            stream=AuditStream.ACT if changed else AuditStream.IDLE,
        )
        await self._write(entry)


def _text(detail: object) -> str:
    """Return what an operator asked as one line of JSON, without the fields that were not given."""
    given = msgspec.to_builtins(detail)
    return printable_json_line(_without_defaults(given))


def _without_defaults(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_defaults(one) for name, one in value.items() if one is not None and one is not False}
    return value
