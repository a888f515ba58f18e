"""The store as a gateway uses it: submit, watch, unwatch, cancel, signal; each gathered into batches."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import msgspec
from redis.asyncio import Redis

from tidings.contract.step import MAX_SIGNAL_BYTES, StepRow
from tidings.contract.token import Token

from .gather import Gatherer, Gatherers
from .keys import Keys
from .script import Script

Reply = TypeVar("Reply")


class Fallback(msgspec.Struct, array_like=True, frozen=True):
    """What is queued in place of a job that would wait too long."""

    kind: str
    tier: str
    envelope: str
    limit: str = ""
    """As in `Terms`."""


class Terms(msgspec.Struct, array_like=True, frozen=True):
    """Under which conditions a job is queued and started; most have none."""

    limit: str = ""
    """The kind, or kind, `:` and a value: whose place it needs to run; empty: none's."""
    priority: int = 0
    """-100 to 100; the lowest is shed first."""
    max_eta_ms: int = 0
    """Longer it shall not wait; 0: it may."""
    shed: str = ""
    """The problem (JSON) with which the least important job that waits ends in its favour; empty: none does."""
    fallback: Fallback | Literal[False] = False
    """What is queued instead."""


class NewJob(msgspec.Struct, array_like=True, frozen=True):
    """One item of `submit.lua`; times are ms, relative to the moment the store accepts it but for `at_ms`."""

    id: str
    kind: str
    tier: str
    envelope: str
    delay_ms: int = 0
    at_ms: int = 0
    """Since the epoch; 0: now, or after the delay."""
    deadline_ms: int = 0
    """0: none."""
    key: str = ""
    """`Keys.dedup_suffix(…)`; empty: no idempotency key."""
    fingerprint: str = ""
    owner: str = ""
    caller: str = ""
    """Whose live jobs it counts among; empty: nobody's."""
    unique: str = ""
    """`Keys.unique_suffix(…)`; empty: it may stand beside any other."""
    unique_ms: int = 0
    """How long it may hold others off; 0: while it lives."""
    correlation_id: str = ""
    watch: int = 1
    parent: str = ""
    """Token and step of the saga that calls it, with a space between; empty: nobody waits for it."""
    terms: Terms | Literal[False] = False
    traceparent: str = ""
    """Where in which trace it stands; empty: in none."""


class Submitted(msgspec.Struct, array_like=True, frozen=True):
    """What became of a `NewJob`."""

    answer: str
    """`new`, `duplicate`, `reused`, `full`, `crowded` or `busy`."""
    id: str
    """The job's id: for a duplicate that of the earlier job."""
    state: str
    seq: int
    position: int
    """Jobs ahead of it; for `full` the backlog, for `crowded` the caller's live jobs, for `busy` the jobs ahead."""
    wait_ms: int
    """Until it may start, or (refused) until another try makes sense; -1: unknown."""
    degraded: str = ""
    """`fallback`: another kind answers; `shed`: another job ended for it; empty: neither."""


class Record(msgspec.Struct, array_like=True, frozen=True):
    """A job as the store knows it; what is missing is an empty text. Times are ms since the epoch."""

    state: str
    """Empty: there is no such job."""
    attempt: str = "0"
    seq: str = "0"
    kind: str = ""
    progress: str = ""
    result: str = ""
    problem: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    owner: str = ""
    submitted: str = ""
    enqueued: str = ""
    dequeued: str = ""
    started: str = ""
    finished: str = ""
    log_from: str = ""
    chunks: list[tuple[int, int, str]] = []
    """Log chunks after the number asked for: number, time, JSON text."""
    steps: list[StepRow] = []
    """Of a saga: its steps, in no order; `tidings.saga.view.timeline` makes them what clients see."""


MAX_SIGNALS = 1_000
"""Signals that one job may have had."""

MAX_JOURNAL_BYTES = 16 * 1_048_576
"""Size of one saga's journal, signals among it; a step begun before it was reached may still end."""


_SUBMIT = Script("submit", list[Submitted])
_WATCH = Script("watch", list[Record])
_CANCEL = Script("cancel", list[str])
_SIGNAL = Script("signal", list[str])


class GatewayStore(Gatherers):
    """The operations of one gateway, to be used as `async with`; its calls run in a task group."""

    def __init__(
        self,
        store: Redis,
        keys: Keys,
        gateway: str,
        *,
        dedup_window_s: float = 86_400,
        max_backlog: int = 100_000,
        max_backlog_per_caller: int = 50_000,
        direct_per_caller: int = 8,
        result_ttl_s: float = 86_400,
        chronicle: int = 0,
    ) -> None:
        """Bind the operations to a store and a gateway's return address.

        Args:
            store: a client of the store; it stays the caller's to close.
            keys: the names of the namespace.
            gateway: this gateway's id; events go to its inbox.
            dedup_window_s: how long an idempotency key is remembered, s.
            max_backlog: jobs that may wait in one tier of a partition.
            max_backlog_per_caller: jobs of one caller that may live in a partition.
            direct_per_caller: how many of them stand in line with everybody's; more take turns in a lane.
            result_ttl_s: how long the record of a job that ends here is kept, s.
            chronicle: ended jobs that a partition's chronicle keeps; 0: those that end here are not told in it.

        """
        super().__init__()
        self.gateway = gateway
        self._store = store
        self._keys = keys
        self._window_ms = int(dedup_window_s * 1000)
        self._ttl_ms = int(result_ttl_s * 1000)
        self._keep = chronicle
        self._max_backlog = max_backlog
        self._max_caller = max_backlog_per_caller
        self._direct = direct_per_caller

    def submit(self, partition: str, job: NewJob) -> "asyncio.Future[Submitted]":
        """Accept a job; a future that fails with `StoreError`."""
        return self._gatherer(partition, _SUBMIT, self._submit_args).put(job)

    def watch(self, token: Token, after: int = 0) -> "asyncio.Future[Record]":
        """Read a job with its log after `after`, and have its events sent to this gateway's inbox."""
        return self._gatherer(token.partition, _WATCH, self._watch_args).put((token.id, after))

    def read(self, token: Token, after: int = 0) -> "asyncio.Future[Record]":
        """Read a job with its log after `after`; no events follow."""
        return self._gatherer(token.partition, _WATCH, self._read_args, "read").put((token.id, after))

    def unwatch(self, token: Token) -> "asyncio.Future[Record]":
        """Have no more events of a job sent here; takes effect in order with `watch`."""
        return self._gatherer(token.partition, _WATCH, self._watch_args).put((token.id, -1))

    def cancel(self, token: Token, owner: str = "", *, forbid: str = "") -> "asyncio.Future[str]":
        """Ask that a job stop: `cancelled`, `asked`, `finished` or `unknown`.

        Args:
            token: the job's.
            owner: whose job it must be; empty: anybody's.
            forbid: the kind of a saga's child that is never to be made if it is not there yet (`unknown`); empty: of
                what is not there nothing is remembered.

        """
        return self._gatherer(token.partition, _CANCEL, self._cancel_args).put((token.id, owner, forbid))

    def signal(self, token: Token, owner: str, name: str, key: str, value: str) -> "asyncio.Future[str]":
        """Give a job a signal: `ok`, `unknown`, `finished`, `too_large` or `full`; may fail with `StoreError`.

        Args:
            token: the job's.
            owner: whose job it must be; empty: anybody's.
            name: the signal's, without spaces.
            key: given before with a signal of that name, this is the same signal; empty: it is another.
            value: JSON text.

        """
        item = (token.id, owner, name, key, value)
        return self._gatherer(token.partition, _SIGNAL, self._signal_args).put(item)

    # What each script takes before and around its items.

    def _submit_args(self, partition: str, items: list[Any]) -> tuple[Any, ...]:
        return (
            partition,
            self.gateway,
            self._window_ms,
            self._max_backlog,
            self._max_caller,
            self._direct,
            self._ttl_ms,
            self._keep,
            items,
        )

    def _watch_args(self, _partition: str, items: list[Any]) -> tuple[Any, ...]:
        return self.gateway, items

    def _read_args(self, _partition: str, items: list[Any]) -> tuple[Any, ...]:
        return "", items

    def _cancel_args(self, partition: str, items: list[Any]) -> tuple[Any, ...]:
        return partition, self._ttl_ms, self._keep, items

    def _signal_args(self, partition: str, items: list[Any]) -> tuple[Any, ...]:
        return partition, MAX_SIGNALS, MAX_SIGNAL_BYTES, MAX_JOURNAL_BYTES, items

    def _gatherer(
        self,
        partition: str,
        script: Script[list[Reply]],
        args: Callable[[str, list[Any]], tuple[Any, ...]],
        name: str = "",
    ) -> Gatherer[Any, Reply]:

        def call(items: list[Any]) -> Awaitable[list[Reply]]:
            return script(self._store, self._keys.root(partition), args(partition, items))

        return self.gather((name or script.name, partition), call)
