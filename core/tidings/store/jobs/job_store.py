"""The store as a server uses it: submit, watch, unwatch, cancel, signal; each gathered into batches."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

import msgspec
from redis.asyncio import Redis

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.steps import MAX_SIGNAL_BYTES
from tidings.protocol.timestamps import whole_ms
from tidings.protocol.tokens import Token
from tidings.store.answers import CancelAnswer, SignalAnswer, SubmitAnswer
from tidings.store.keys import StoreKeys
from tidings.store.redis.batcher import PLAIN_BATCHES, Batcher, Batchers, BatchOptions
from tidings.store.redis.encoding.script_arguments import LargeText
from tidings.store.redis.script import Script
from tidings.store.streams.stream_reader import read_stream
from tidings.store.streams.stream_records import StreamPage

from .job_reader import REPLY_BYTES, UNBOUNDED_ROOM, JobReader, JobRecord, ReplyRoom, place_results

__all__ = [
    "MAX_JOURNAL_BYTES",
    "MAX_SIGNALS",
    "FallbackJob",
    "JobRecord",
    "JobStore",
    "JobStoreOptions",
    "NewJob",
    "QueueingTerms",
    "SubmitReply",
]

Reply = TypeVar("Reply")


class FallbackJob(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is queued in place of a job that would wait too long."""

    kind: str
    tier: str
    envelope: str
    limit: str = ""
    """As in `QueueingTerms`."""
    version: int | Literal[False] = False
    """As in `NewJob`."""


class QueueingTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """Under which conditions a job is queued and started; most have none."""

    limit: str = ""
    """The kind, or kind, `:` and a value: the limit of which it needs a place to run; empty: none."""
    priority: int = 0
    """-100 to 100; the lowest is shed first."""
    max_eta_ms: int = 0
    """The longest that it may wait; 0: as long as it takes."""
    shed: str = ""
    """The problem (JSON) with which the least important job that waits ends in its favour; empty: none ends."""
    fallback: FallbackJob | Literal[False] = False
    """What is queued instead."""


class NewJob(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of `submit.lua`, which takes it as a map without the defaults.

    Times are ms, relative to the moment the store accepts it but for `at_ms`.
    """

    id: str
    kind: str
    tier: str
    envelope: str | LargeText
    delay_ms: int = 0
    at_ms: int = 0
    """Since the epoch; 0: now, or after the delay."""
    deadline_ms: int = 0
    """0: none."""
    key: str = ""
    """`StoreKeys.dedup_suffix(…)`; empty: no idempotency key."""
    fingerprint: str = ""
    owner: str = ""
    caller: str = ""
    """The caller among whose live jobs it counts; empty: it counts among none."""
    unique: str = ""
    """`StoreKeys.unique_suffix(…)`; empty: it may stand beside any other."""
    unique_ms: int = 0
    """How long it may hold others off; 0: while it lives."""
    correlation_id: str = ""
    watch: int = 1
    parent: str = ""
    """Token and step of the saga that calls it, with a space between; empty: no saga waits for it."""
    terms: QueueingTerms | Literal[False] = False
    traceparent: str = ""
    """W3C Trace Context: where in which trace it stands; empty: in none."""
    tags: str = ""
    """With a space between each two."""
    webhook: str = ""
    """What `tidings.protocol.webhooks.webhook_field` made; empty: it asks for no webhook."""
    version: int | Literal[False] = False
    """Of its kind; false: 1."""
    epoch: int = 0
    """Of the placement by which it comes to this partition, where it has a key; 0: the queue has none."""


class SubmitReply(msgspec.Struct, array_like=True, frozen=True):
    """What became of a `NewJob`."""

    answer: SubmitAnswer
    id: str
    """The job's id: for a duplicate that of the earlier job."""
    state: str
    """`unknown`: the earlier job's record has left, and its key is remembered longer."""
    seq: int
    """Its newest number; for `heavy` the bytes that may be."""
    position: int
    """Jobs ahead of it; for `full` the backlog, for `crowded` the caller's live jobs, for `heavy` the bytes of their
    envelopes, for `busy` the jobs ahead."""
    wait_ms: int
    """Until it may start, or (refused) until another try makes sense; -1: unknown."""
    degraded: Literal["", "fallback", "shed"] = ""
    """`fallback`: another kind answers; `shed`: another job ended for it; empty: neither."""


MAX_SIGNALS = 1_000
"""Signals that one job may have had."""

LEAST_SHARE_BYTES = 16 * 1_048_576
"""Of `max_backlog_bytes_per_caller` each partition grants so much, however many there are: one input may be large."""

MAX_JOURNAL_BYTES = 16 * 1_048_576
"""Size of one saga's journal, signals among it; a step begun before it was reached may still end."""


_SUBMIT = Script("submit", list[SubmitReply], acknowledged=True)
_CLAIM = Script("claim", list[SubmitReply], acknowledged=True)
_WATCH = Script("watch", list[JobRecord], place_texts=place_results)
_CANCEL = Script("cancel", list[CancelAnswer], acknowledged=True)
_SIGNAL = Script("signal", list[SignalAnswer], acknowledged=True)
_EXPIRE = Script("expire", tuple[int, int, list[str]])

_SUBMITS = BatchOptions(size=lambda job: len(job.envelope))
_SIGNALS = BatchOptions(size=lambda signal: len(signal[4]))

_log = LogLimiter()


class JobStoreOptions(msgspec.Struct, frozen=True):
    """What a `JobStore` allows, and how long it remembers."""

    dedup_window_s: float = 86_400
    """How long an idempotency key is remembered, s."""
    max_backlog: int = 100_000
    """Jobs that may wait in one tier of a partition."""
    max_backlog_per_caller: int = 50_000
    """Jobs of one caller that may live in a partition."""
    max_backlog_bytes_per_caller: int = 67_108_864
    """Bytes that their envelopes may have together."""
    direct_per_caller: int = 8
    """How many of them wait in the tier's own stream; more take turns in a lane."""
    result_ttl_s: float = 86_400
    """How long the record of a job that ends here is kept, s."""
    chronicle: int = 0
    """Finished jobs that a partition's history keeps; 0: jobs that end here do not come into it."""
    max_listed: int = 10_000
    """Jobs of one owner that a partition lists, the newest."""


DEFAULT_OPTIONS = JobStoreOptions()


class JobStore(Batchers):
    """The operations of one gateway, to be used as `async with`; its calls run in a task group."""

    def __init__(self, store: Redis, keys: StoreKeys, gateway: str, options: JobStoreOptions = DEFAULT_OPTIONS) -> None:
        """Bind the operations to a store and a gateway's return address.

        Args:
            store: a client of the store; it stays the caller's to close.
            keys: the names of the namespace.
            gateway: this gateway's id; events go to its inbox.
            options: what it allows and how long it remembers.

        """
        super().__init__()
        self.gateway = gateway
        self._store = store
        self._keys = keys
        self._options = options
        self._window_ms = whole_ms(options.dedup_window_s)
        self._ttl_ms = whole_ms(options.result_ttl_s)
        self._keep = options.chronicle
        self._readers: dict[tuple[str, str], JobReader] = {}
        self.shares: dict[str, int] = {}
        """Partition → by what the bounds of its queue are divided; missing: it is the queue's only one."""

    def submit(self, partition: str, job: NewJob) -> "asyncio.Future[SubmitReply]":
        """Accept a job; a future that fails with `StoreError`."""
        return self._batcher(partition, _SUBMIT, self._submit_args, options=_SUBMITS).put(job)

    def claim(self, partition: str, job: NewJob) -> "asyncio.Future[SubmitReply]":
        """Claim the key of a job for another partition, or find the job that has it here (`claim.lua`).

        A future that fails with `StoreError`.
        """
        item = (job.key, job.fingerprint, job.epoch)
        return self._batcher(partition, _CLAIM, self._claim_args).put(item)

    def watch(self, token: Token, after: int = 0, room: ReplyRoom = UNBOUNDED_ROOM) -> "asyncio.Future[JobRecord]":
        """Read a job with its log after `after`; from then on its events go to this gateway's inbox.

        A large answer waits until the `room` has taken it, and may then fail with `ProblemError`.
        """
        return self._reader(token.partition, "watch").ask(token.id, after, room)

    def read(self, token: Token, after: int = 0, room: ReplyRoom = UNBOUNDED_ROOM) -> "asyncio.Future[JobRecord]":
        """Read a job with its log after `after`; no events follow. For the `room` see `watch`."""
        return self._reader(token.partition, "read").ask(token.id, after, room)

    async def read_stream(self, token: Token, name: str, first: int, after: int, room: ReplyRoom) -> StreamPage:
        """Return a stream of a job from the chunk `first`, or if that is -1 from the first chunk after a number.

        Raises:
            ProblemError: there was no room for a large answer.
            StoreError: the store is unavailable.

        """
        root = self._keys.root(token.partition)
        return await read_stream(self._store, root, token.id, name, first=first, after=after, take=room.take)

    def unwatch(self, token: Token) -> "asyncio.Future[JobRecord]":
        """Stop the events of a job; takes effect in order with `watch`."""
        return self._batcher(token.partition, _WATCH, self._watch_args).put((token.id, -1, 0))

    def cancel(self, token: Token, owner: str = "", *, forbid: str = "") -> "asyncio.Future[CancelAnswer]":
        """Ask that a job stop; a future that fails with `StoreError`.

        Args:
            token: the job's.
            owner: the only owner whose job may be cancelled; empty: any.
            forbid: the kind of a saga's child that must never be made if it is not there yet (`UNKNOWN`); empty: the
                store remembers nothing of a job that is not there.

        """
        return self._batcher(token.partition, _CANCEL, self._cancel_args).put((token.id, owner, forbid))

    def signal(self, token: Token, owner: str, name: str, key: str, value: str) -> "asyncio.Future[SignalAnswer]":
        """Give a job a signal; a future that fails with `StoreError`.

        Args:
            token: the job's.
            owner: the only owner whose job may get it; empty: any.
            name: the signal's, without spaces.
            key: if a signal of that name had it before, this is the same signal; empty: it is another.
            value: JSON text.

        """
        item = (token.id, owner, name, key, value)
        return self._batcher(token.partition, _SIGNAL, self._signal_args, options=_SIGNALS).put(item)

    async def expire(self, partition: str, most: int) -> int:
        """End jobs of a partition whose deadline has passed, up to `most`; return the ms until the next (-1: none).

        Raises:
            StoreError: the store is unavailable.

        """
        args = (partition, self._ttl_ms, self._keep, most)
        _, wait_ms, faults = await _EXPIRE(self._store, self._keys.root(partition), args)
        for fault in faults:
            job, _, error = fault.partition(" ")
            _log.error("record_broken", cause=partition, queue=partition, job=job, error=error)
        return wait_ms

    # What each script takes before and around its items.

    def _submit_args(self, partition: str, items: list[Any]) -> tuple[Any, ...]:
        options, share = self._options, self.shares.get(partition, 1)
        most_bytes = options.max_backlog_bytes_per_caller
        return (
            partition,
            self.gateway,
            self._window_ms,
            -(-options.max_backlog // share),
            -(-options.max_backlog_per_caller // share),
            max(most_bytes // share, min(most_bytes, LEAST_SHARE_BYTES)),
            -(-options.direct_per_caller // share),
            self._ttl_ms,
            self._keep,
            options.max_listed,
            items,
        )

    def _claim_args(self, _partition: str, items: list[Any]) -> tuple[Any, ...]:
        return self._window_ms, items

    def _watch_args(self, _partition: str, items: list[Any]) -> tuple[Any, ...]:
        return self.gateway, REPLY_BYTES, items

    def _read_args(self, _partition: str, items: list[Any]) -> tuple[Any, ...]:
        return "", REPLY_BYTES, items

    def _cancel_args(self, partition: str, items: list[Any]) -> tuple[Any, ...]:
        return partition, self._ttl_ms, self._keep, items

    def _signal_args(self, partition: str, items: list[Any]) -> tuple[Any, ...]:
        return partition, MAX_SIGNALS, MAX_SIGNAL_BYTES, MAX_JOURNAL_BYTES, items

    def _reader(self, partition: str, verb: str) -> JobReader:
        reader = self._readers.get((partition, verb))
        if reader is None:
            assert self._tasks is not None, "use it inside `async with`"
            args = self._watch_args if verb == "watch" else self._read_args
            # Questions that begin a watch are not joined: a question that ends it may stand between them.
            small = self._batcher(partition, _WATCH, args, verb, BatchOptions(join=verb == "read"))
            large = self._batcher(partition, _WATCH, args, f"{verb} large", BatchOptions(most=1))
            reader = JobReader(self._store, self._keys, partition, small, large, self._run, join=verb == "read")
            self._readers[partition, verb] = reader
        return reader

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks is not None, "use it inside `async with`"
        self._tasks.start_soon(_await, work, name="large answer")

    def _batcher(
        self,
        partition: str,
        script: Script[list[Reply]],
        args: Callable[[str, list[Any]], tuple[Any, ...]],
        name: str = "",
        options: BatchOptions = PLAIN_BATCHES,
    ) -> Batcher[Any, Any]:

        def call(items: list[Any]) -> Awaitable[list[Reply]]:
            return script(self._store, self._keys.root(partition), args(partition, items))

        return self.gather((name or script.name, partition), call, options)


async def _await(work: Coroutine[Any, Any, None]) -> None:
    await work
