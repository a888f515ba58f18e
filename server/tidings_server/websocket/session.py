"""A client's session on a socket: frames in, commands out; answers and events in, frames out.

No I/O, no clock, no event loop: the owner of the socket feeds `receive`, carries out the command that it returns,
reports back through the answering methods, and sends what `send_buffer` holds. Rules:

* Every frame with a `ref` gets exactly one answer: `ack`, `snapshot`, `done`, `pong` or `error`.
  (The `ack` of a duplicate is followed by a `snapshot` under the same ref: the earlier job's.)
* A frame that is not understood gets an `error`; the session goes on.
* A ref that still waits for its answer may not be used again.
* No event of a job leaves before the answer from which the client knows the job.
* Where the server asks for credentials, it takes nothing but `auth` before it has accepted one. It refuses what a
  credential does not allow, and the session goes on; a credential that has run out ends the session.
"""

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.frames import close_codes
from tidings.protocol.frames.follow_messages import Follow, Following, Unfollow
from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import (
    FEATURES,
    Ack,
    Alive,
    Auth,
    Cancel,
    ClientFrame,
    Done,
    Error,
    GoAway,
    Hello,
    Observe,
    Ping,
    Pong,
    Signal,
    Submit,
    Unobserve,
    Unwatch,
    Watch,
)
from tidings.protocol.grants import Granted, GrantFrame
from tidings.protocol.problems import CODES, Problem, ProblemError, problem, problem_error
from tidings.token_bucket import TokenBucket
from tidings_server.auth.identity import Identity, Scope
from tidings_server.jobs.quotas import CallerQuota, RateLimitError
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.web.send.send_buffer import SendBuffer

from .auth_state import AuthDue, AuthState, expired, late
from .frames.frame_reader import read_frame, ref_of

Command = Submit | Watch | Unwatch | Cancel | Signal | Follow | Unfollow | GrantFrame | Auth | Observe | Unobserve
"""What a session wants its owner to do: the frame itself, checked."""

PROTOCOL_VERSION = 1

AUTH_FRAME_BYTES = 32_768
"""Size of a frame from a client that has not authenticated; credentials are smaller."""

NEEDS: dict[type[Command], Scope] = {
    Submit: "submit",
    Watch: "watch",
    Unwatch: "watch",
    Cancel: "cancel",
    Signal: "submit",
    Follow: "watch",
    Observe: "admin",
    Unobserve: "admin",
}
"""The scope that a client needs for each frame. `unfollow` needs none, and `grant` what it asks for."""

_Granted = Watch | Unwatch | Cancel | Signal | Follow
"""Frames that a grant may allow as well."""

OVERVIEW_KEY = "overview"
"""Stands for a job's token where the newest overview takes the place of one that waits; no token is without a dot."""

RATE_VIOLATIONS = (1.0, 100.0)
"""How often a second, and how often at once, a rate limit may be broken before the socket is closed for it."""

VIOLATION_BACKOFF_S = 10.0
"""How long a client must stay away that broke a rate limit more often than that."""

_encode = msgspec.json.Encoder().encode


def _require(frame: Command, identity: Identity) -> None:
    """Refuse what neither the credential nor a grant can allow; which job a grant is for, the service finds out.

    Raises:
        ProblemError: `forbidden`, naming the scope.

    """
    need = NEEDS.get(type(frame))
    if need is None or identity.allows(need):
        return
    if not (isinstance(frame, _Granted) and (identity.grants or frame.grant is not None)):
        raise identity.lack(need)


class Session:
    """One client on one socket. Times are s by a clock that never goes back."""

    def __init__(self, connection: str, limits: Limits, quota: CallerQuota, auth_state: AuthState, now: float) -> None:
        """Begin.

        Args:
            connection: its name, for logs.
            limits: what the client may send and hold.
            quota: what its caller has, over all connections.
            auth_state: whether the client has authenticated.
            now: the time.

        """
        self.connection = connection
        self.limits = limits
        self.auth_state = auth_state
        self.send_buffer: SendBuffer[EncodedFrame] = SendBuffer(limits.max_waiting_bytes)
        self.close_code: int | None = None
        """Once set, the code that closes the socket after the last frame that waits."""
        self.watches = 0
        """Jobs this session watches, or is about to."""
        self._quota = quota
        self._frames = TokenBucket(limits.max_frames_per_s, limits.max_frame_burst, now)
        self._violations = TokenBucket(*RATE_VIOLATIONS, now)
        self._leaving = False
        self._waiting: set[int] = set()
        self._submits: set[int] = set()
        """The refs of submits that wait for their ack."""

    # What comes from the client.

    def open(self) -> None:
        """Greet the client."""
        known = self.auth_state.known
        self._send(
            Hello(
                version=PROTOCOL_VERSION,
                connection=self.connection,
                limits=self.limits,
                authenticated=known,
                features=[*FEATURES],
            )
        )
        if self.auth_state.refusal is not None:
            self.credential_refused(None, self.auth_state.refusal)

    @property
    def idle(self) -> bool:
        """Whether every frame of the client has its answer."""
        return not self._waiting

    def receive(self, data: str | bytes | bytearray, now: float, *, binary: bool = False) -> Command | None:
        """Take one message of the socket, as `TransportOwner` gets it; return the command in it, if any."""
        if self.close_code is not None:
            return None
        try:
            wait = self._frames.take(now)
            if wait:
                raise RateLimitError("frames", self.limits.max_frames_per_s, wait)
            limits = self.limits
            most = limits.max_frame_bytes if self.auth_state.known else min(limits.max_frame_bytes, AUTH_FRAME_BYTES)
            return self._admit(read_frame(data, most, limits.max_depth, binary=binary), now)
        except ProblemError as error:
            self.refused(ref_of(data), error.problem, waiting=False)
            if isinstance(error, RateLimitError):
                self._count_violation(now)
            return None

    def count(self, now: float) -> None:
        """Count a frame below this protocol: a ping or pong of the socket's own, or a fragment."""
        if self.close_code is None and self._frames.take(now):
            self._count_violation(now)

    def _count_violation(self, now: float) -> None:
        if self._violations.take(now):
            detail = f"the limit was broken again and again; come back in {VIOLATION_BACKOFF_S:g} s, and more slowly"
            self.refused(None, problem("rate_limited", detail, retry_after=VIOLATION_BACKOFF_S), waiting=False)
            self.close(close_codes.RATE_LIMITED)

    def _admit(self, frame: ClientFrame, now: float) -> Command | None:
        if frame.ref in self._waiting:
            raise problem_error(
                "invalid_frame", f"ref {frame.ref} still waits for its answer; use another", field="/ref"
            )
        if isinstance(frame, Auth):
            self.auth_state.begin_check()
        else:
            identity = self.auth_state.identity
            if isinstance(frame, Ping):
                self._send(Pong(ref=frame.ref))
                return None
            _require(frame, identity)
        if isinstance(frame, Submit):
            self._admit_submit(frame, now)
        elif isinstance(frame, Watch | Follow):
            self._admit_watch()
        self._waiting.add(frame.ref)
        return frame

    def _admit_submit(self, frame: Submit, now: float) -> None:
        if len(self._submits) >= self.limits.max_in_flight:
            raise problem_error(
                "rate_limited",
                f"{len(self._submits)} submits wait for their ack; at most {self.limits.max_in_flight} may",
                limit=self.limits.max_in_flight,
                retry_after=0.1,
            )
        if frame.watch:
            self._admit_watch()
        self._quota.submit(now)
        self._submits.add(frame.ref)

    def _admit_watch(self) -> None:
        if self.watches >= self.limits.max_watches:
            raise problem_error(
                "too_many_watches",
                f"this connection watches {self.watches} jobs; at most {self.limits.max_watches} may be: "
                "unwatch some, submit with `watch` false, or open another connection",
                limit=self.limits.max_watches,
            )
        self._quota.watch()

    # What time brings.

    def tick(self, now: float, wall: float) -> None:
        """End the session where the credential is late or has expired; warn the client before it expires."""
        match self.auth_state.due(now, wall):
            case AuthDue.LATE:
                self.credential_refused(None, late(self.auth_state.within_s).problem)
            case AuthDue.EXPIRED:
                self._end(expired().problem)
            case AuthDue.EXPIRING:
                left = self.auth_state.left(wall)
                detail = f"the credential runs out in {left:.0f} s; send an `auth` frame with a fresh one"
                self.refused(None, problem("token_expiring", detail, retry_after=round(left, 3)))

    # What comes from the service.

    def authenticated(self, ref: int, identity: Identity, quota: CallerQuota) -> None:
        """Answer an `auth`: the client is known, and its share is counted in `quota`.

        Raises:
            ProblemError: `forbidden`: the client was known as another owner before.

        """
        self.auth_state.accept(identity)
        self.auth_state.checking = False
        self._quota = quota
        self.done(ref)

    def credential_refused(self, ref: int | None, problem: Problem) -> None:
        """Answer an `auth` whose credential is refused: the end, if the client has no other."""
        self.auth_state.checking = False
        if self.auth_state.known:
            self.refused(ref, problem)
        else:
            self._end(problem, ref)

    def _end(self, problem: Problem, ref: int | None = None) -> None:
        self.refused(ref, problem)
        if problem.code == "rate_limited":
            self.close(close_codes.RATE_LIMITED)
        else:
            # Where the server cannot tell at the moment, another try may be answered.
            self.close(close_codes.DRAINING if CODES[problem.code].retryable else close_codes.UNAUTHENTICATED)

    def watch_begun(self) -> None:
        """Count a job that is watched from now on."""
        self.watches += 1
        self._quota.watches += 1

    def watch_ended(self) -> None:
        """Count a job that is not watched any more."""
        self.watches -= 1
        self._quota.watches -= 1

    def acked(self, ack: Ack) -> None:
        """Answer a submit; a duplicate's ref stays open for the snapshot of the earlier job."""
        assert isinstance(ack.ref, int)
        self._submits.discard(ack.ref)
        if not ack.duplicate:
            self._waiting.discard(ack.ref)
        self._send(ack)

    def submit_refused(self, ref: int, problem: Problem) -> None:
        """Answer a submit that is refused."""
        self._submits.discard(ref)
        self.refused(ref, problem)

    def failed(self, ref: int | None, problem: Problem) -> None:
        """Answer a frame that could not be carried out, if it has no answer yet."""
        if ref is not None and ref in self._waiting:
            self.submit_refused(ref, problem)

    def snapshot(self, ref: int | None, frame: bytes) -> None:
        """Answer a watch, or (ref None) send a job's snapshot after events were lost on the way."""
        if ref is not None:
            self._waiting.discard(ref)
        self._put(EncodedFrame(frame))

    def answer(self, ref: int, frame: Following | Granted) -> None:
        """Answer a frame by one of a type of its own."""
        self._waiting.discard(ref)
        self._send(frame)

    def done(self, ref: int) -> None:
        """Answer a frame whose command is done, or under way."""
        self._waiting.discard(ref)
        self._send(Done(ref=ref))

    def refused(self, ref: int | None, problem: Problem, *, waiting: bool = True) -> None:
        """Answer with a problem."""
        if waiting and ref is not None:
            self._waiting.discard(ref)
        self._send(Error(ref=ref, problem=problem))

    def watch_refused(self, token: str | None, problem: Problem, tag: str | None = None) -> None:
        """Send that the watch of a job, or of a tag, has ended, or soon will: nothing opens it any more."""
        self._send(Error(ref=None, problem=problem, token=token, tag=tag))

    def event(self, token: str, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on, as it came."""
        if self.close_code is None and self.send_buffer.put_event(token, event_class, frame):
            self._end_slow()

    def overview(self, frame: EncodedFrame) -> None:
        """Send an overview; for a slow reader only the newest waits."""
        self.event(OVERVIEW_KEY, EventClass.PROGRESS, frame)

    def alive(self) -> None:
        """Send a sign of life."""
        self._send(Alive())

    def go_away(self, reason: str, reconnect_after: float) -> None:
        """Ask the client to come back elsewhere; only once."""
        if self._leaving:
            return
        self._leaving = True
        self._send(GoAway(reason=reason, reconnect_after=reconnect_after))

    def close(self, code: int) -> None:
        """Take nothing more, and close the socket; the first code stands."""
        if self.close_code is None:
            self.close_code = code

    def _send(self, frame: msgspec.Struct) -> None:
        self._put(EncodedFrame(_encode(frame)))

    def _put(self, frame: EncodedFrame) -> None:
        # After a close no frame may follow: frames before it may be missing.
        if self.close_code is None and self.send_buffer.put(frame):
            self._end_slow()

    def _end_slow(self) -> None:
        """End the session of a client that does not read: more waits for it than may."""
        self.close_code = close_codes.TOO_SLOW  # first: what waits for the reader to catch up must not follow
        self.send_buffer.take()  # it would not be read; the client resumes where it was
