"""What the client has asked of the server and the server has not answered yet. No I/O.

A submit waits here while as many are in flight as the server allows. When a socket breaks, a submit, a cancel and a
signal without an answer are sent again on the next one: a submit and a signal carry an idempotency key, so that sent
twice they count once, and a second cancel does no harm. A `watch` is not kept: the jobs say what to watch.

A call that the server, or a proxy before it, cannot bear must neither be sent for ever nor harm the others: see
`suspects`. One that replicas of the store have not confirmed is sent again after a while: see `unconfirmed_calls`.
"""

from collections import deque
from collections.abc import Callable
from itertools import count

from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import Ack
from tidings.protocol.grants import IssuedGrant
from tidings.protocol.problems import Problem, problem

from .request_text import unchecked_request_text, with_ref
from .suspects import ALONE_AFTER, MAX_BROKEN, IsolatedRetries, UnattributedRefusals, too_many_breaks
from .tracked_job import JobCommand, TrackedJob, WatchRequest
from .unconfirmed_calls import UnconfirmedCalls

Call = TrackedJob | JobCommand | WatchRequest
"""What the server answers: the submit of a job, a cancel or a signal, a watch."""


class Calls:
    """The calls of one client, over all its sockets."""

    def __init__(self, refused: Callable[[TrackedJob | WatchRequest, Problem], None]) -> None:
        """Prepare.

        Args:
            refused: gets each submit and watch that is refused for good. A command that is refused, or done, is
                returned by `take_answered_commands`.

        """
        self._refused = refused
        self._refs = count(1)
        self._limits: Limits | None = None
        """Those of the present socket; None: no socket can be used."""
        self._outgoing: list[bytes] = []
        self._sent: dict[int, Call] = {}
        """The calls that this socket carried and that have no answer, by ref."""
        self._in_flight: set[int] = set()
        """Refs of the submits that the server counts as waiting for their ack."""
        self._submits: deque[TrackedJob] = deque()
        """Submits to send as soon as the limits allow."""
        self._others: deque[JobCommand] = deque()
        """Commands to send."""
        self._unanswered: dict[TrackedJob, None] = {}
        """All submits without an answer, sent or not, in the order of their making."""
        self._unsettled: dict[JobCommand, None] = {}
        """All commands without an answer, sent or not."""
        self._settled: list[JobCommand] = []
        self._unread = UnattributedRefusals()
        self._unconfirmed = UnconfirmedCalls()
        self._alone: IsolatedRetries[TrackedJob | JobCommand] = IsolatedRetries()

    @property
    def unsent(self) -> bool:
        """Whether there are frames to send."""
        return bool(self._outgoing)

    def next_ref(self) -> int:
        """Return a ref that no frame of this client has used."""
        return next(self._refs)

    def take_frames(self) -> list[bytes]:
        """Return the frames to send, and forget them."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def take_answered_commands(self) -> list[JobCommand]:
        """Return the commands that have been answered since the last call."""
        settled, self._settled = self._settled, []
        return settled

    def take_postponed(self) -> list[tuple[TrackedJob | JobCommand, Problem]]:
        """Return what replicas have not confirmed since the last call: to be passed to `send_again` after a while."""
        return self._unconfirmed.take()

    # What the client asks.

    def add(self, call: TrackedJob | JobCommand) -> None:
        """Ask for work, or give a job a command; it is repeated until it is answered."""
        if isinstance(call, TrackedJob):
            self._unanswered[call] = None
        else:
            self._unsettled[call] = None
        self._queue(call)
        self.pump()

    def watch(self, token: str, after: int, grant: str | None) -> None:
        """Ask this socket for a job's events after a number, by a grant or (None) by the client's credential."""
        by = {} if grant is None else {"grant": grant}
        text = unchecked_request_text({"type": "watch", "token": token, "after": after, **by})
        self._send(WatchRequest(token, after), text)

    def unwatch(self, token: str) -> None:
        """Ask this socket for no more events of a job; the answer is not waited for."""
        self._send(None, unchecked_request_text({"type": "unwatch", "token": token}))

    def send_again(self, call: TrackedJob | JobCommand) -> None:
        """Send a call that was postponed, unless another socket has got it since or it was withdrawn."""
        if self._unconfirmed.release(call):
            self._queue(call)
            self.pump()

    def withdraw(self, call: TrackedJob | JobCommand) -> None:
        """Send a call no more; the server may have it already."""
        self._unconfirmed.release(call)
        if isinstance(call, TrackedJob):
            self._unanswered.pop(call, None)
        else:
            self._unsettled.pop(call, None)

    # What the socket does.

    def connected(self, limits: Limits) -> None:
        """Queue for a new socket what has no answer yet; `pump` sends it."""
        self._limits = limits
        self._others = deque(one for one in self._unsettled if one.broken < ALONE_AFTER)
        self._submits = deque(one for one in self._unanswered if one.broken < ALONE_AFTER)
        pending: list[TrackedJob | JobCommand] = [*self._unsettled, *self._unanswered]
        self._alone.begin(one for one in pending if one.broken >= ALONE_AFTER)

    def requeue(self, *, broke: bool) -> None:
        """Take note that the socket is gone, and with it what it carried.

        Args:
            broke: it ended abruptly, perhaps because one of the calls was too much for the server.

        """
        if broke:
            self._suspect()
        self._limits = None
        self._outgoing.clear()
        self._sent.clear()
        self._in_flight.clear()
        self._unread.clear()
        self._unconfirmed.clear()

    def pump(self) -> None:
        """Send what may be sent: commands, then submits within the limits, then suspicious calls one at a time."""
        if self._limits is None:
            return
        while self._others:
            command = self._others.popleft()
            if command in self._unsettled:
                self._send(command, command.text)
        while self._submits and self._may_submit:
            job = self._submits.popleft()
            if job in self._unanswered:  # else it was withdrawn while it waited
                self._send_submit(job)
        self._pump_alone()

    # What the server answers.

    def take(self, ref: int | None) -> Call | None:
        """Take out the call that is being answered; None: `ref` is of none."""
        return None if ref is None else self._sent.pop(ref, None)

    def acked(self, ack: Ack) -> TrackedJob | None:
        """Take out the submit that an ack answers, and return its job."""
        assert isinstance(ack.ref, int)
        self._in_flight.discard(ack.ref)
        job = self.take(ack.ref)
        if not isinstance(job, TrackedJob):
            return None
        self._unanswered.pop(job, None)
        if ack.duplicate:  # the snapshot of the earlier job follows under the same ref
            self._sent[ack.ref] = WatchRequest(ack.token, 0)
        return job

    def done(self, ref: int, granted: IssuedGrant | None = None) -> None:
        """Settle the command that is done, perhaps by a grant; the `done` of an unwatch has none."""
        call = self.take(ref)
        if isinstance(call, JobCommand):
            call.granted = granted
            self._settle(call, None)

    def refuse(self, ref: int, why: Problem) -> None:
        """Refuse the call of a ref, or postpone it."""
        self._in_flight.discard(ref)
        call = self.take(ref)
        if call is None or why.code == "draining":  # that server will close the socket; the next one is asked
            return
        if isinstance(call, WatchRequest) or not self._wanted(call) or not self._unconfirmed.postpone(call, why):
            self._refuse(call, why)

    def unread(self, why: Problem) -> None:
        """Take a refusal without a ref: the server could not read one of the calls that this socket carries."""
        self._unread.refuse(why, self._sent)

    def settle(self) -> None:
        """Refuse what by now the refusals without a ref must mean."""
        for ref, why in self._unread.found(self._sent.keys()):
            self.refuse(ref, why)

    # Private.

    @property
    def _may_submit(self) -> bool:
        return self._limits is not None and len(self._in_flight) < self._limits.max_in_flight

    def _wanted(self, call: TrackedJob | JobCommand) -> bool:
        """Return whether a call has not been withdrawn."""
        return call in self._unanswered if isinstance(call, TrackedJob) else call in self._unsettled

    def _queue(self, call: TrackedJob | JobCommand) -> None:
        if isinstance(call, TrackedJob):
            self._submits.append(call)
        else:
            self._others.append(call)

    def _pump_alone(self) -> None:
        while (call := self._alone.next(self._sent.keys())) is not None:
            if isinstance(call, JobCommand):
                if call in self._unsettled:
                    self._alone.asked(self._send(call, call.text))
            elif call in self._unanswered:
                if not self._may_submit:
                    self._alone.put_back(call)
                    return
                self._alone.asked(self._send_submit(call))

    def _send_submit(self, job: TrackedJob) -> int:
        assert job.submit is not None
        return self._send(job, job.submit)

    def _send(self, call: Call | None, text: bytes) -> int:
        """Send a frame if there is a socket, and return its ref; refuse a call that is larger than a frame may be."""
        if self._limits is None:
            return 0
        ref = self.next_ref()
        frame = with_ref(ref, text)
        size = len(frame)
        if size > self._limits.max_frame_bytes:  # the server would close the socket for it
            if call is not None:
                self._refuse(call, _too_large(size, self._limits.max_frame_bytes))
            return ref
        if call is not None:
            self._sent[ref] = call
        if isinstance(call, TrackedJob):
            self._in_flight.add(ref)
        elif isinstance(call, JobCommand):
            call.sent += 1
        self._outgoing.append(frame)
        return ref

    def _suspect(self) -> None:
        """Count the break against all calls under way, and refuse those under which too many connections broke."""
        for call in [one for one in self._sent.values() if isinstance(one, TrackedJob | JobCommand)]:
            call.broken += 1
            if call.broken >= MAX_BROKEN:
                self._refuse(call, too_many_breaks(call.broken))

    def _refuse(self, call: Call, why: Problem) -> None:
        if isinstance(call, JobCommand):
            self._settle(call, why)
            return
        if isinstance(call, TrackedJob):
            self._unanswered.pop(call, None)
        self._refused(call, why)

    def _settle(self, command: JobCommand, why: Problem | None) -> None:
        if command not in self._unsettled:
            return
        del self._unsettled[command]
        # The answer to the first cancel may have been lost: the second is then refused because the first was obeyed.
        repeated = command.sent > 1 and command.frame["type"] == "cancel"
        obeyed = repeated and why is not None and why.code == "already_finished"
        command.problem = None if obeyed else why
        self._settled.append(command)


def _too_large(size: int, limit: int) -> Problem:
    return problem("too_large", f"{size} bytes; at most {limit} are taken: send less, or a reference", limit=limit)
