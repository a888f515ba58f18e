"""The opening of a stream of jobs: it is counted for its caller, then listens to each job and takes what was missed.

A task opens a stream and awaits the store's answers, or the calls of a direct exchange do: both take the same steps.
"""

import time
from collections.abc import Callable

from starlette.responses import Response

from tidings.protocol.problems import problem_error
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import tags_of
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final
from tidings_server.web.request.event_number import MAX_SEQ, event_number
from tidings_server.web.responses import empty_response
from tidings_server.web.send.end_calls import EndCalls

from .event_stream import EventStream
from .stream_description import StreamDescription
from .stream_listener import SeenNumbers, StreamListener

Listen = Callable[[Token, EventStream, SeenNumbers], StreamListener]
"""Makes the listener of one job in a stream."""


class StreamOpening:
    """A stream of some jobs that is being opened."""

    __slots__ = (
        "_address",
        "_caller",
        "_going_on",
        "_identity",
        "_listen",
        "_places",
        "_reservation",
        "_runtime",
        "leave",
        "stream",
        "wanted",
    )

    def __init__(
        self,
        runtime: ServerRuntime,
        identity: Identity,
        caller: str,
        address: str,
        asked: list[tuple[Token, int]],
        listen: Listen = StreamListener,
    ) -> None:
        """Count the stream; `leave` is to be closed, whatever becomes of it.

        Args:
            runtime: the server.
            identity: who reads.
            caller: whose connections it counts among (`caller_of`).
            address: of the client.
            asked: the jobs, each with the number of the last event that the client has seen.
            listen: makes the listener of a job.

        Raises:
            ProblemError: the caller has as many streams, or watches as many jobs, as may be.

        """
        self._runtime = runtime
        self._identity = identity
        self._caller = caller
        self._address = address
        self._listen = listen
        self.wanted: dict[Token, int] = {}
        """The number after which each job is asked for."""
        for token, after in asked:
            self.wanted[token] = min(after, self.wanted.get(token, after))
        seen = {str(token): after for token, after in self.wanted.items()}
        self._places = SeenNumbers(seen, [str(token) for token, _ in asked])
        self._going_on: list[tuple[StreamListener, int]] = []
        self.stream = EventStream(runtime.settings, identity)
        self.leave = EndCalls()
        """Undone at the end of the stream, or where it is not opened."""
        if identity.grants:
            self.stream.granted = granted_watches(runtime, self.stream, identity)
        self._reservation = runtime.jobs.reservation(caller)
        self.leave.callback(self._reservation.release)
        try:
            slot = runtime.quotas.enter(quota_key_of(identity, caller), address, time.monotonic())
            self.leave.callback(slot.leave)
            slot.watch(len(self.wanted))
        except BaseException:
            self.leave.close()
            raise

    def ask(self, token: Token) -> tuple[StreamListener, PendingAnswer[JobRecord]]:
        """Listen to one of the jobs, and return its record, pending: `take` it."""
        listener = self._listen(token, self.stream, self._places)
        self.leave.callback(self._runtime.hub.leave, listener)
        reader = valid(self._identity)
        return listener, self._runtime.jobs.watch(listener, reader, self.wanted[token], self._reservation)

    def take(self, listener: StreamListener, record: JobRecord) -> bool:
        """Write what was missed of a job; return false where the client is to read that before any other job's."""
        stream, after = self.stream, self.wanted[listener.token]
        if is_final(record) and after == record.seq:
            return True  # the client has the end already
        for _, text in listener.told(record, after):
            stream.history.put(text)
        if not is_final(record):
            stream.live += 1
            if stream.granted is not None:
                stream.granted.follow(listener, record.owner, tags_of(record), ())
            self._going_on.append((listener, record.seq))
        if not stream.history.overflowed:
            return True
        # The client has all of some jobs then, and asks for the others with the numbers it has.
        stream.live = 0
        return False

    def finish(self) -> EventStream | Response:
        """Return the response, which keeps what `leave` held."""
        # Not before all history is written: an `id` in it would count events that are still to be sent.
        for listener, seq in self._going_on:
            listener.release(seq)
        if not self.stream.live and not self.stream.history:
            return empty_response(204)  # an EventSource stops at this
        self.stream.told = self._reservation.release
        enter_stream(self._runtime, self.stream, self._caller, self._address, self.leave)
        return self.stream


def enter_stream(runtime: ServerRuntime, stream: EventStream, caller: str, address: str, leave: EndCalls) -> None:
    """Have a stream end with a drain, show it to operators, and keep `leave` for its end."""
    runtime.drain.on_begin.add(stream.drain)
    leave.callback(runtime.drain.on_begin.discard, stream.drain)
    shown = StreamDescription(stream, caller, address)
    runtime.connections.streams.add(shown)
    leave.callback(runtime.connections.streams.discard, shown)
    if runtime.drain.begun:
        stream.drain()
    leave.callback(_count_slow, runtime, stream)
    stream.leave = leave.pop_all()


def granted_watches(runtime: ServerRuntime, stream: EventStream, identity: Identity) -> GrantedWatches:
    """Return what ends the watches of a stream with their grants."""

    def leave(listener: JobListener) -> None:
        runtime.hub.leave(listener)
        stream.end_one()

    return GrantedWatches(lambda: identity, runtime.settings.expiry_notice_s, stream.tell, leave)


def _count_slow(runtime: ServerRuntime, stream: EventStream) -> None:
    if stream.too_slow:
        runtime.meter.slow.add("stream")


def number_after(text: str, field: str) -> int:
    """Return the number of an event after which a client asks for more.

    Raises:
        ProblemError: it is none.

    """
    number = event_number(text)
    if number is None:
        raise problem_error(
            "invalid_frame", f"{text[:40]!r} is not the number of an event: 0 to {MAX_SEQ}", field=field
        )
    return number
