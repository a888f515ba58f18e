"""The hub: which listeners of this process watch which job, and the one inbox that brings all their events.

Pub/sub forgets, so the hub keeps the number of the last event of each job. An event that leaves a hole, an event that
was too large to publish, and an inbox that was lost and came back all lead to a repair: the hub asks the store for the
job from the number last delivered, and buffers what arrives until the answer is there. A listener gets the events
themselves where the job's record holds every one of them, as it holds a large result and a large log chunk; where the
record holds only what came of some events, the listener gets the record.
"""

import asyncio

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import ItemError, StoreError
from tidings.store.jobs.job_reader import UNBOUNDED_ROOM, ReplyRoom
from tidings.store.jobs.job_store import JobRecord, JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import AnySubscription
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.observability.server_meters import NotifyLatency

from .answer_budget import AnswerBudget, AnswerReservation
from .encoded_frame import EncodedFrame
from .event_frames import missed_events
from .job_listener import JobListener
from .snapshots import is_final
from .topic import STALE, InboxEntry, Topic, TopicEvent, TopicState

_LIVE = TopicState.LIVE
_decode_inbox = msgspec.msgpack.Decoder(list[InboxEntry]).decode


class Hub:
    """The jobs that this process watches."""

    def __init__(
        self,
        store: JobStore,
        subscription: AnySubscription,
        keys: StoreKeys,
        notify_latency: NotifyLatency | None = None,
        answers: AnswerBudget | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: answers watches.
            subscription: reads the inbox.
            keys: the names of the namespace.
            notify_latency: measures how long events take; None: it is not measured.
            answers: bounds the large answers to repairs; None: a budget of the hub's own.

        """
        self._answers = answers or AnswerBudget()
        self._store = store
        self._notify_latency = notify_latency
        self._subscription = subscription
        self._keys = keys
        self._topics: dict[str, Topic] = {}
        self._unrepaired: list[Topic] = []
        """Topics to be repaired once the store can be asked."""
        self._repair_timer: asyncio.TimerHandle | None = None
        self._repair_failures = 0
        self.partitions: set[str] = set()
        """The partitions whose inbox this process reads."""

    def __len__(self) -> int:
        return len(self._topics)

    async def open(self, partition: str) -> None:
        """Read this process's inbox in a partition from now on.

        Raises:
            StoreError: the store did not confirm it; the subscription asks again when the store is back.

        """
        self.partitions.add(partition)
        await self._subscription.add(self._keys.inbox(partition, self._store.gateway))

    # Listening.

    def begin(self, listener: JobListener) -> None:
        """Listen to a job that is about to be submitted, whose first number is 1."""
        self._join(listener, seq=1)

    def watch(self, listener: JobListener, after: int, room: ReplyRoom = UNBOUNDED_ROOM) -> "asyncio.Future[JobRecord]":
        """Listen to a job that exists, and ask for its record with the log after `after`.

        The listener buffers events until its `release`.
        """
        self._join(listener, seq=None)
        answer = self._store.watch(listener.token, after, room)
        answer.add_done_callback(lambda done: self._settle(listener.token, done))
        return answer

    def leave(self, listener: JobListener) -> None:
        """Stop listening; when a job's last listener leaves, the store sends no more of its events here."""
        topic = self._topics.get(listener.token_text)
        if topic is None or listener not in topic.listeners:
            return
        topic.listeners.remove(listener)
        if not topic.listeners:
            del self._topics[listener.token_text]
            self._store.unwatch(listener.token).add_done_callback(_ignore_outcome)

    def forget(self, listener: JobListener) -> None:
        """Undo `begin` for a submission that made no job; the store has nothing to forget."""
        self._topics.pop(listener.token_text, None)

    def move(self, listener: JobListener, token: Token) -> None:
        """Listen under another token to a job that is about to be submitted, if the listener still listens."""
        topic = self._topics.get(listener.token_text)
        if topic is not None and listener in topic.listeners:
            self.forget(listener)
            listener.move(token)
            self.begin(listener)

    def _join(self, listener: JobListener, seq: int | None) -> None:
        topic = self._topics.get(listener.token_text)
        if topic is None:
            topic = self._topics[listener.token_text] = Topic(listener.token, seq)
        topic.listeners.append(listener)

    def _remove(self, topic: Topic) -> None:
        """Forget a topic, unless another has taken its place since its last listener left."""
        text = str(topic.token)
        if self._topics.get(text) is topic:
            del self._topics[text]

    # The inbox.

    def receive(self, data: bytes) -> None:
        """Take one message of the inbox: a batch of events.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError: it is none; its events leave a hole in the numbers, which is found.

        """
        frame, classes = "", []
        for entry in _decode_inbox(data):
            topic = self._topics.get(entry[0])
            if topic is not None:
                self._take(topic, entry)
                classes.append(entry[2])
                frame = frame or entry[3]
        if frame and self._notify_latency is not None:
            self._notify_latency.passed(frame, classes)

    def reopened(self) -> None:
        """Repair every topic: the inbox heard nothing for a while."""
        for topic in list(self._topics.values()):
            self._repair(topic, TopicEvent.REOPENED)

    def _take(self, topic: Topic, entry: InboxEntry) -> None:
        _, seq, event_class, text = entry
        if topic.state is not _LIVE:
            topic.buffered.append(entry)
            return
        if seq <= topic.seq:
            return
        if seq > topic.seq + 1 or not text:
            self._repair(topic, TopicEvent.GAP)
            return
        topic.seq = seq
        frame = EncodedFrame(text.encode(), text)
        for listener in list(topic.listeners):
            try:
                listener.offer(seq, event_class, frame)
            except Exception as error:  # noqa: BLE001 - the border of one listener: all clients share the inbox
                unexpected_problem("event", error, token=entry[0])
        if event_class == EventClass.FINAL:
            self._remove(topic)

    # Repair.

    def _repair(self, topic: Topic, event: TopicEvent) -> None:
        """Take note that events were lost; only for a live topic is no answer of the store's under way."""
        live = topic.state is _LIVE
        topic.take(event)
        if live:
            self._ask_again(topic)

    def _ask_again(self, topic: Topic) -> None:
        if self._topics.get(str(topic.token)) is topic:
            # A repair may overtake the submit of its job, which the store then does not know yet.
            unborn = any(listener.buffered is not None for listener in topic.listeners)
            reservation = AnswerReservation(self._answers, "")
            answer = self._store.watch(topic.token, topic.seq, reservation)
            answer.add_done_callback(lambda done: self._take_repair(topic, done, unborn=unborn))
            answer.add_done_callback(lambda _: reservation.release())

    def _take_repair(self, topic: Topic, answer: "asyncio.Future[JobRecord]", *, unborn: bool) -> None:
        try:
            self._repaired(topic, answer, unborn=unborn)
        except Exception as error:  # noqa: BLE001 - the border of one job: an event loop has no use for it
            unexpected_problem("repair", error, token=str(topic.token))
            self._drop(topic)

    def _drop(self, topic: Topic) -> None:
        """Forget a job whose record cannot be read, now or later; its listeners pass on that it is gone."""
        self._remove(topic)
        for listener in list(topic.listeners):
            listener.vanished()

    def _repaired(self, topic: Topic, answer: "asyncio.Future[JobRecord]", *, unborn: bool) -> None:
        if answer.cancelled() or _is_transient(answer.exception()):
            self._postpone(topic)
            return
        self._repair_failures = 0
        if isinstance(answer.exception(), ItemError):
            self._drop(topic)
            return
        record, after = answer.result(), topic.seq
        if not record.state and unborn:
            # What follows the submit comes by the inbox, which is open again.
            self._continue_from(topic, TopicEvent.REPAIRED, after)
            return
        if unborn and all(listener.buffered is not None for listener in topic.listeners):
            self._postpone(topic)  # the answer to the submit must reach the client first: it holds less than this
            return
        self._send_missed(topic, record, rewound=record.seq < after)
        self._resume(topic, TopicEvent.REPAIRED, record)

    def _send_missed(self, topic: Topic, record: JobRecord, *, rewound: bool) -> None:
        """Pass on to a topic's listeners what they have missed.

        Args:
            topic: whose listeners.
            record: the job's record.
            rewound: whether the store lost writes: the numbers begin again from the record's.

        """
        missed: dict[int, list[tuple[int, int, EncodedFrame]] | None] = {}
        for listener in list(topic.listeners):
            if not record.state:
                listener.vanished()
            elif listener.buffered is None and (rewound or record.seq > listener.seq):
                seen = listener.seq
                if seen not in missed:  # large events are put together once for all listeners
                    missed[seen] = missed_events(str(topic.token), record, seen)
                events = missed[seen]
                if events is None:
                    listener.seq = record.seq
                    listener.repaired(_after(record, seen), seen)
                for event in events or ():
                    listener.offer(*event)

    def _postpone(self, topic: Topic) -> None:
        """Ask again a little later, for all topics at once: thousands may wait for a lost store."""
        self._unrepaired.append(topic)
        if self._repair_timer is None:
            self._repair_failures += 1
            pause = store_retry_delay(self._repair_failures)
            self._repair_timer = asyncio.get_running_loop().call_later(pause, self._ask_for_all)

    def _ask_for_all(self) -> None:
        self._repair_timer = None
        waiting, self._unrepaired = self._unrepaired, []
        for topic in waiting:
            self._ask_again(topic)

    # Numbers.

    def _settle(self, token: Token, answer: "asyncio.Future[JobRecord]") -> None:
        """Take the number from the answer to a watch, if the topic needs it."""
        topic = self._topics.get(str(token))
        if answer.cancelled() or answer.exception() is not None:
            return  # the listener's owner gets the error, and leaves
        record = answer.result()
        if topic is None:
            if record.state and not is_final(record):
                # All have left since the question; a large answer may have been begun after the unwatch.
                self._store.unwatch(token).add_done_callback(_ignore_outcome)
        elif topic.takes(TopicEvent.ANSWERED):
            self._resume(topic, TopicEvent.ANSWERED, record)

    def _resume(self, topic: Topic, event: TopicEvent, record: JobRecord) -> None:
        if not record.state or is_final(record):
            self._remove(topic)  # no more events come
            return
        self._continue_from(topic, event, record.seq)

    def _continue_from(self, topic: Topic, event: TopicEvent, seq: int) -> None:
        """Make a topic live at a number, and deliver what was buffered above it."""
        stale = topic.state in STALE
        topic.take(event)
        topic.seq = seq
        buffered, topic.buffered = topic.buffered, []
        for entry in buffered:
            self._take(topic, entry)
        if stale and topic.state is _LIVE:
            self._repair(topic, TopicEvent.REOPENED)


def _after(record: JobRecord, seen: int) -> JobRecord:
    """Return a record with those chunks only that a client lacks which has seen every event up to `seen`.

    A topic can lag behind a listener that came later, and whose own answer held more.
    """
    return msgspec.structs.replace(record, chunks=[chunk for chunk in record.chunks if chunk[0] > seen])


def _is_transient(error: BaseException | None) -> bool:
    """Return whether another try may be answered."""
    return isinstance(error, (StoreError, ProblemError)) and not isinstance(error, ItemError)


def _ignore_outcome(answer: "asyncio.Future[JobRecord]") -> None:
    """Retrieve an answer that has no reader: an unwatch that failed costs a few useless messages."""
    if not answer.cancelled():
        answer.exception()
