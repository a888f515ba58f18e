"""The hub: who in this process listens to which job, and the one inbox all their events come through.

Pub/sub forgets, so the hub keeps the number of the last event of each job. An event that leaves a
hole, one that was too large to publish, and an inbox that was lost and came back all lead to the
same thing: the job is watched again from the number last delivered, and whatever arrives meanwhile
is buffered until the answer is there. A listener gets the events themselves where the record holds every
one of them, as it holds a large result and a large log chunk; where the record holds only what came of
some, the listener gets the record.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

import msgspec

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.events import EventClass
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import ItemError, StoreError
from tidings.store.job_reader import UNBOUNDED_ROOM, ReplyRoom
from tidings.store.job_store import JobRecord, JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.subscription import Subscription
from tidings.tracing.spans import Span
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.observability.server_meters import NotifyLatency

from .answer_budget import AnswerBudget, AnswerReservation
from .encoded_frame import EncodedFrame
from .snapshots import is_final, missed_events

InboxEntry = tuple[str, int, int, str]
"""Token, number, class and frame of an event, as the scripts publish it; an empty frame means: fetch."""

NotifySpan = Callable[[], Span | None]
"""Begins the span in which the end of a job leaves."""

_limited = LogLimiter()
_decode_inbox = msgspec.msgpack.Decoder(list[InboxEntry]).decode


class JobListener(ABC):
    """One who wants the events of one job; holds them back until its first answer has gone out."""

    __slots__ = ("buffered", "notify_span", "seq", "token")

    def __init__(self, token: Token) -> None:
        self.token = token
        self.seq = 0
        """The last number passed on."""
        self.buffered: list[tuple[int, int, EncodedFrame]] | None = []
        self.notify_span: NotifySpan | None = None
        """Of a job that is traced."""

    def offer(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Take an event from the hub."""
        if self.buffered is not None:
            self.buffered.append((seq, event_class, frame))
        elif seq > self.seq:
            self.seq = seq
            if self.notify_span is not None and event_class == EventClass.FINAL:
                self._notify(self.notify_span, seq, event_class, frame)
            else:
                self.event(seq, event_class, frame)

    def _notify(self, notify_span: NotifySpan, seq: int, event_class: int, frame: EncodedFrame) -> None:
        span = notify_span()
        try:
            self.event(seq, event_class, frame)
        finally:
            if span is not None:
                span.end()

    def release(self, seq: int) -> None:
        """Let events go from now on, those above `seq` that were buffered first."""
        buffered, self.buffered = self.buffered, None
        self.seq = max(self.seq, seq)
        for event in buffered or ():
            self.offer(*event)

    @abstractmethod
    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on; must not block."""

    @abstractmethod
    def repaired(self, record: JobRecord, after: int) -> None:
        """Pass on where the job stands, to one who has seen everything up to `after`."""

    @abstractmethod
    def vanished(self) -> None:
        """Pass on that the job's record is gone."""


class Topic:
    """One job and its listeners in this process."""

    __slots__ = ("buffered", "listeners", "repairing", "seq", "stale", "token")

    def __init__(self, token: Token, seq: int | None) -> None:
        self.token = token
        self.seq = seq
        """The number of the last event; None while the store is being asked for it."""
        self.listeners: list[JobListener] = []
        self.buffered: list[InboxEntry] = []
        self.repairing = False
        """Whether the number is lost until the repair's own answer: another's would leave a hole for the rest."""
        self.stale = False
        """Whether the inbox was lost while the store was being asked: the answer may be older than what was missed."""


class Hub:
    """The jobs that are listened to in this process."""

    def __init__(
        self,
        store: JobStore,
        subscription: Subscription,
        keys: StoreKeys,
        notify_latency: NotifyLatency | None = None,
        answers: AnswerBudget | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: tells where jobs stand.
            subscription: reads the inbox.
            keys: the names of the namespace.
            notify_latency: measures how long events take; None: nobody wants to know.
            answers: has room for what is large of that which is asked again; None: of its own.

        """
        self._answers = answers or AnswerBudget()
        self._store = store
        self._notify_latency = notify_latency
        self._subscription = subscription
        self._keys = keys
        self._topics: dict[str, Topic] = {}
        self._unrepaired: list[tuple[Topic, int]] = []
        """What is to be watched again, and from which number, once the store can be asked."""
        self._repair_timer: asyncio.TimerHandle | None = None
        self._repair_failures = 0
        self.partitions: set[str] = set()
        """The partitions whose inbox this process reads."""

    def __len__(self) -> int:
        return len(self._topics)

    async def open(self, partition: str) -> None:
        """Read this process's inbox in a partition from now on.

        Raises:
            StoreError: the store did not confirm it; it is asked again whenever it comes back.

        """
        self.partitions.add(partition)
        await self._subscription.add(self._keys.inbox(partition, self._store.gateway))

    # Listening.

    def begin(self, listener: JobListener) -> None:
        """Listen to a job that is about to be submitted, whose first number is 1."""
        self._join(listener, seq=1)

    def watch(self, listener: JobListener, after: int, room: ReplyRoom = UNBOUNDED_ROOM) -> "asyncio.Future[JobRecord]":
        """Listen to a job that exists, and ask for its record with the log after `after`.

        The listener's events are buffered until its `release`.
        """
        self._join(listener, seq=None)
        answer = self._store.watch(listener.token, after, room)
        answer.add_done_callback(lambda done: self._settle(listener.token, done))
        return answer

    def leave(self, listener: JobListener) -> None:
        """Stop listening; the last one of a job has the store told."""
        topic = self._topics.get(str(listener.token))
        if topic is None or listener not in topic.listeners:
            return
        topic.listeners.remove(listener)
        if not topic.listeners:
            del self._topics[str(listener.token)]
            self._store.unwatch(listener.token).add_done_callback(_ignore_outcome)

    def forget(self, listener: JobListener) -> None:
        """Undo `begin` for a submission that made no job; the store knows nothing of it."""
        self._topics.pop(str(listener.token), None)

    def _join(self, listener: JobListener, seq: int | None) -> None:
        topic = self._topics.get(str(listener.token))
        if topic is None:
            topic = self._topics[str(listener.token)] = Topic(listener.token, seq)
        topic.listeners.append(listener)

    # The inbox.

    def receive(self, data: bytes) -> None:
        """Take one message of the inbox: a batch of events."""
        frame, classes = "", []
        try:
            entries = _decode_inbox(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            unexpected_problem("inbox", error)  # what was meant to come leaves a hole, which is found
            return
        for entry in entries:
            topic = self._topics.get(entry[0])
            if topic is not None:
                self._take(topic, entry)
                classes.append(entry[2])
                frame = frame or entry[3]
        if frame and self._notify_latency is not None:
            self._notify_latency.passed(frame, classes)

    def reopened(self) -> None:
        """Watch everything again, because the inbox was deaf for a while."""
        for topic in list(self._topics.values()):
            topic.stale = topic.seq is None
            self._repair(topic)

    def _take(self, topic: Topic, entry: InboxEntry) -> None:
        _, seq, event_class, text = entry
        if topic.seq is None:
            topic.buffered.append(entry)
            return
        if seq <= topic.seq:
            return
        if seq > topic.seq + 1 or not text:
            self._repair(topic)
            return
        topic.seq = seq
        frame = EncodedFrame.of(text)
        for listener in list(topic.listeners):
            try:
                listener.offer(seq, event_class, frame)
            except Exception as error:  # noqa: BLE001 - the border of one listener: the inbox is everybody's
                unexpected_problem("event", error, token=entry[0])
        if event_class == EventClass.FINAL:
            self._topics.pop(entry[0], None)

    # Repair.

    def _repair(self, topic: Topic) -> None:
        if topic.seq is None:
            return  # an answer is on its way already
        after, topic.seq = topic.seq, None
        topic.repairing = True
        self._ask_again(topic, after)

    def _ask_again(self, topic: Topic, after: int) -> None:
        if self._topics.get(str(topic.token)) is topic:
            # Asked of a job whose submit is under way, the store may not know it yet.
            unborn = any(listener.buffered is not None for listener in topic.listeners)
            reservation = AnswerReservation(self._answers, "")
            answer = self._store.watch(topic.token, after, reservation)
            answer.add_done_callback(lambda done: self._take_repair(topic, after, done, unborn=unborn))
            answer.add_done_callback(lambda _: reservation.release())

    def _take_repair(self, topic: Topic, after: int, answer: "asyncio.Future[JobRecord]", *, unborn: bool) -> None:
        try:
            self._repaired(topic, after, answer, unborn=unborn)
        except Exception as error:  # noqa: BLE001 - the border of one job: an event loop has no use for it
            unexpected_problem("repair", error, token=str(topic.token))
            self._drop(topic)

    def _drop(self, topic: Topic) -> None:
        """Let go of a job whose record cannot be read; those who listen are told that there is nothing to hear."""
        self._topics.pop(str(topic.token), None)
        for listener in list(topic.listeners):
            listener.vanished()

    def _repaired(self, topic: Topic, after: int, answer: "asyncio.Future[JobRecord]", *, unborn: bool) -> None:
        if answer.cancelled() or _is_transient(answer.exception()):
            self._postpone(topic, after)
            return
        topic.repairing = False
        self._repair_failures = 0
        if isinstance(answer.exception(), ItemError):  # what the store holds of it cannot be read, now or later
            self._topics.pop(str(topic.token), None)
            for listener in list(topic.listeners):
                listener.vanished()
            return
        record = answer.result()
        if not record.state and unborn:
            self._continue_from(topic, after)  # what follows the submit comes by the inbox, which is open again
            return
        if unborn and all(listener.buffered is not None for listener in topic.listeners):
            self._postpone(topic, after)  # the answer to a submit, which comes, tells less than this
            return
        self._send_missed(topic, record, rewound=record.seq < after)
        self._resume(topic, record)

    def _send_missed(self, topic: Topic, record: JobRecord, *, rewound: bool) -> None:
        """Tell a topic's listeners what they have missed.

        Args:
            topic: whose.
            record: where the job stands.
            rewound: whether the store lost writes: the numbers begin again where it stands.

        """
        missed: dict[int, list[tuple[int, int, EncodedFrame]] | None] = {}
        for listener in list(topic.listeners):
            if not record.state:
                listener.vanished()
            elif listener.buffered is None and (rewound or record.seq > listener.seq):
                seen = listener.seq
                if seen not in missed:  # what is large is put together once for all
                    missed[seen] = missed_events(str(topic.token), record, seen)
                events = missed[seen]
                if events is None:
                    listener.seq = record.seq
                    listener.repaired(_after(record, seen), seen)
                for event in events or ():
                    listener.offer(*event)

    def _postpone(self, topic: Topic, after: int) -> None:
        """Ask again a little later, for all topics at once: thousands may wait for a lost store."""
        self._unrepaired.append((topic, after))
        if self._repair_timer is None:
            self._repair_failures += 1
            pause = store_retry_delay(self._repair_failures)
            self._repair_timer = asyncio.get_running_loop().call_later(pause, self._ask_for_all)

    def _ask_for_all(self) -> None:
        self._repair_timer = None
        waiting, self._unrepaired = self._unrepaired, []
        for topic, after in waiting:
            self._ask_again(topic, after)

    def _settle(self, token: Token, answer: "asyncio.Future[JobRecord]") -> None:
        """Take the number from the first answer to a watch, if nobody knew it."""
        topic = self._topics.get(str(token))
        failed = answer.cancelled() or answer.exception() is not None
        if topic is None and not failed and answer.result().state and not is_final(answer.result()):
            # All have left since it was asked; a large answer may have been begun after the store was told so.
            self._store.unwatch(token).add_done_callback(_ignore_outcome)
        if topic is None or topic.seq is not None or topic.repairing or failed:
            return  # whoever asked is told, and leaves
        self._resume(topic, answer.result())

    def _resume(self, topic: Topic, record: JobRecord) -> None:
        if not record.state or is_final(record):
            self._topics.pop(str(topic.token), None)  # nothing more will come
            return
        self._continue_from(topic, record.seq)

    def _continue_from(self, topic: Topic, seq: int) -> None:
        topic.seq = seq
        buffered, topic.buffered = topic.buffered, []
        for entry in buffered:
            self._take(topic, entry)
        if topic.stale:
            topic.stale = False
            self._repair(topic)


def _after(record: JobRecord, seen: int) -> JobRecord:
    """Return a record with those chunks only that somebody who has seen everything up to `seen` lacks.

    A topic can lag behind a listener that came later, and whose own answer told it more.
    """
    return msgspec.structs.replace(record, chunks=[chunk for chunk in record.chunks if chunk[0] > seen])


def _is_transient(error: BaseException | None) -> bool:
    """Return whether another try may be answered."""
    return isinstance(error, (StoreError, ProblemError)) and not isinstance(error, ItemError)


def _ignore_outcome(answer: "asyncio.Future[JobRecord]") -> None:
    """Take note of an answer nobody needs: an unwatch that failed costs a few useless messages."""
    if not answer.cancelled():
        answer.exception()
