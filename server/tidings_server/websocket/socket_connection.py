"""An open socket: its session between its transport and the service.

The transport calls it with messages; it has the session's commands carried out, and the transport send the frames
that the session makes.
"""

import math
import random
import time
from collections.abc import Callable

from tidings.protocol.frames import close_codes
from tidings.protocol.frames.admin_messages import Connection
from tidings.protocol.frames.follow_messages import Follow, Unfollow
from tidings.protocol.frames.messages import Auth, Cancel, Observe, Signal, Submit, Unobserve, Unwatch, Watch
from tidings.protocol.grants import GrantFrame
from tidings_server.auth.identity import Identity
from tidings_server.jobs.quotas import ConnectionSlot
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.web.send.connection_age import connection_lifetime
from tidings_server.web.send.send_buffer import COALESCE_BYTES

from .commands.followed_jobs import FollowedJobs
from .commands.socket_auth import SocketAuth
from .commands.socket_follows import SocketFollows
from .commands.socket_steering import SocketSteering
from .due_timer import DueTimer
from .frames.frame_reader import ref_of
from .session import Command, Session
from .socket_channel import SocketChannel
from .transport import SocketTransport

COME_BACK_S = 1.0
"""Within this time, drawn at random, the client of a socket at its maximal age is to come back."""

LEAVE_S = 5.0
"""How long such a socket stays open until its frames are answered."""


class SocketConnection:
    """One open socket."""

    def __init__(
        self,
        runtime: ServerRuntime,
        session: Session,
        caller: str,
        connection_slot: ConnectionSlot,
        on_lost: "Callable[[SocketConnection], None]",
        *,
        lasting: bool = False,
    ) -> None:
        """Prepare; `open` begins.

        Args:
            runtime: the server.
            session: what is said over the socket.
            caller: whose jobs its submissions count among.
            connection_slot: its place, which it gives back at its end.
            on_lost: called once, when the socket has ended.
            lasting: whether it has no maximal age: its client could go to no other server.

        """
        now = time.monotonic()
        self.session = session
        self._runtime = runtime
        self._connection_slot = connection_slot
        self._on_lost = on_lost
        self._channel = SocketChannel(session, caller, now)
        self._jobs = FollowedJobs(self._channel, runtime.jobs, runtime.meter, runtime.settings.expiry_notice_s)
        self._steering = SocketSteering(self._channel, runtime.jobs, runtime.cancels, connection_slot.address)
        self._follows = SocketFollows(self._channel, self._jobs, runtime.tag_feed)
        self._credential_timer = DueTimer(self._tend_credential)
        self._auth = SocketAuth(self._channel, connection_slot, runtime.identify, self._identified)
        self._since = time.time()
        self._leaves_at = math.inf if lasting else now + connection_lifetime(runtime.settings.max_connection_age_s)

    # What the transport calls.

    def open(self, transport: SocketTransport) -> None:
        """Greet the client over its transport."""
        self._channel.transport = transport
        self.session.open()
        self.flush()
        self._credential_timer.arm(self.session.auth_state.due_at)

    def received(self, data: str | bytes | bytearray, *, binary: bool = False) -> None:
        """Take a message; see `TransportOwner`."""
        now = self._channel.read_at = time.monotonic()
        command = None
        try:
            command = self.session.receive(data, now, binary=binary)
            if command is not None:
                self.do(command)
        except Exception as error:  # noqa: BLE001 - the border of one frame
            if command is None:
                refused = unexpected_problem("frame", error, connection=self.session.connection)
                self.session.refused(ref_of(data), refused, waiting=False)
            else:
                self._channel.answer_unexpected(type(command).__name__.lower(), command.ref, error)
        if self.session.send_buffer or self.session.close_code is not None:
            self.flush()

    def controlled(self) -> None:
        """Count a frame that is no message."""
        self.session.count(time.monotonic())
        if self.session.close_code is not None:
            self.flush()

    def lost(self) -> None:
        """Stop listening to everything: the socket is gone."""
        self._channel.transport = None
        self._credential_timer.cancel()
        self.session.send_buffer.take()
        self._follows.leave()
        self._jobs.leave()
        self._runtime.overview_feed.leave(self)
        self._connection_slot.leave()
        if self.session.close_code == close_codes.TOO_SLOW:
            self._runtime.meter.slow.add("socket")
        self._on_lost(self)

    def tick(self, now: float) -> None:
        """Do what is due by the monotonic clock: a sign of life, a ping, the end at the maximal age."""
        transport = self._channel.transport
        if transport is None:
            return
        if now - transport.sent_at >= self._runtime.settings.alive_after_s:
            self.session.alive()
            self.flush()
        self._tend_credential()
        self._jobs.granted.tick(time.time())
        if self.session.send_buffer:
            self.flush()
        if now >= self._leaves_at:
            self._leave(late=now >= self._leaves_at + LEAVE_S)
        transport.tick(now)

    def _tend_credential(self) -> None:
        """Do what is due of the client's credential."""
        self.session.tick(time.monotonic(), time.time())
        self._credential_timer.arm(self.session.auth_state.due_at)
        if self.session.send_buffer:
            self.flush()

    def _leave(self, *, late: bool) -> None:
        self.session.go_away("the connection reached its maximal age", random.uniform(0, COME_BACK_S))  # noqa: S311
        if late or self.session.idle:
            self.session.close(close_codes.MAXIMAL_AGE)
        self.flush()

    def fail(self, request: str, error: Exception) -> None:
        """End the socket because of an error that belongs to no single frame."""
        unexpected_problem(request, error, connection=self.session.connection)
        self.session.close(close_codes.DRAINING)  # its client comes back, with a session that is whole
        self.flush()

    def flush(self) -> None:
        """Have the transport send what waits; returns at once."""
        self._channel.flush()

    # What operators see.

    def overview(self, frame: EncodedFrame) -> None:
        """Send the overview to a client that observes."""
        self.session.overview(frame)
        self.flush()

    def describe(self) -> Connection:
        """Return what operators see of the socket."""
        waiting = self.session.send_buffer.waiting_bytes
        return Connection(
            connection=self.session.connection,
            caller=self._channel.caller,
            address=self._connection_slot.address,
            kind="socket",
            since=int(self._since * 1000),
            watches=self.session.watches,
            waiting_bytes=waiting,
            slow=waiting > COALESCE_BYTES,
        )

    # What the client asks.

    def do(self, command: Command) -> None:
        """Carry out a command of the session."""
        match command:
            case Submit():
                self._jobs.submit(command)
            case Watch():
                self._jobs.watch(command)
            case Unwatch():
                self._jobs.unwatch(command)
            case Cancel():
                self._steering.cancel(command)
            case Signal():
                self._steering.signal(command)
            case Follow() | Unfollow():
                self._follows.do(command)
            case GrantFrame():
                self._steering.grant(command)
            case Observe() | Unobserve():
                self._observe(command)
            case Auth():
                self._auth.check(command)

    def _observe(self, frame: Observe | Unobserve) -> None:
        """Send overviews from now on, or no longer."""
        if isinstance(frame, Observe):
            self._runtime.overview_feed.join(self)
        else:
            self._runtime.overview_feed.leave(self)
        self.session.done(frame.ref)

    def _identified(self, identity: Identity) -> None:
        """End what the client's new credential does not allow."""
        if not identity.admin and self._runtime.overview_feed.leave(self):
            self.session.refused(None, identity.lack("admin").problem)
        self._follows.check(identity)
        self._jobs.check_watches()
        self._credential_timer.arm(self.session.auth_state.due_at)
