"""The `auth` frames of one socket: a client proves who it is, or renews its credential."""

import asyncio
import time
from collections.abc import Callable

from tidings.protocol.frames.messages import Auth
from tidings.protocol.problems import ProblemError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.pending_answer import PendingAnswer, result_of
from tidings_server.jobs.quotas import ConnectionSlot, quota_key_of
from tidings_server.websocket.socket_channel import SocketChannel

Identify = Callable[[str], "asyncio.Future[Identity]"]
"""Returns a future of the identity that a credential proves."""


class SocketAuth:
    """Has the credentials of one client checked."""

    __slots__ = ("_channel", "_connection_slot", "_identify", "_on_identity")

    def __init__(
        self,
        channel: SocketChannel,
        connection_slot: ConnectionSlot,
        identify: Identify,
        on_identity: Callable[[Identity], None],
    ) -> None:
        """Begin.

        Args:
            channel: the way to the client.
            connection_slot: counted for the client, once it is known who that is.
            identify: checks a credential.
            on_identity: called with the identity of each credential that is accepted.

        """
        self._channel = channel
        self._connection_slot = connection_slot
        self._identify = identify
        self._on_identity = on_identity

    def check(self, frame: Auth) -> None:
        """Have the credential of a frame checked."""
        answer = PendingAnswer("auth", self._identify(frame.credential), result_of)
        self._channel.then(answer, frame.ref, self._identified, frame.ref)

    def _identified(self, ref: int, answer: PendingAnswer[Identity]) -> None:
        channel = self._channel
        if not channel.is_open:
            return
        problem = answer.problem
        try:
            if problem is None:
                self._accept(ref, answer.result())
        except ProblemError as error:
            problem = error.problem
        if problem is not None:
            channel.session.credential_refused(ref, problem)
        channel.flush()

    def _accept(self, ref: int, identity: Identity) -> None:
        channel = self._channel
        if not channel.session.auth_state.known:
            self._connection_slot.transfer_to(quota_key_of(identity, channel.caller), time.monotonic())
            channel.caller = identity.owner or channel.caller
        channel.session.authenticated(ref, identity, self._connection_slot.quota)
        self._on_identity(identity)
