"""What the client of one socket asks about a job beside following it: to cancel it, to give it a signal, a grant."""

from tidings.protocol.frames.messages import Cancel, Signal
from tidings.protocol.grants import Granted, GrantFrame, IssuedGrant
from tidings.protocol.problems import ProblemError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import signal_text
from tidings_server.jobs.client_cancels import ClientCancels
from tidings_server.jobs.job_service import JobService
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.websocket.socket_channel import SocketChannel


class SocketSteering:
    """Carries out such frames of one client."""

    __slots__ = ("_address", "_cancels", "_channel", "_jobs")

    def __init__(self, channel: SocketChannel, jobs: JobService, cancels: ClientCancels, address: str) -> None:
        """Begin.

        Args:
            channel: the way to the client.
            jobs: the service.
            cancels: cancels jobs.
            address: the client's.

        """
        self._cancels = cancels
        self._address = address
        self._channel = channel
        self._jobs = jobs

    def cancel(self, frame: Cancel) -> None:
        """Ask that a job stop."""
        try:
            identity = self._bearer(frame.grant)
            identity.require_act("cancel")
            answer = self._cancels.cancel(self._jobs.find(frame.token), identity, self._address)
        except ProblemError as error:
            self._channel.session.refused(frame.ref, error.problem)
            return
        self._channel.then(answer, frame.ref, self._steered, frame.ref)

    def signal(self, frame: Signal) -> None:
        """Give a job a signal."""
        try:
            identity = self._bearer(frame.grant)
            identity.require_act("signal")
            token, value = self._jobs.find(frame.token), signal_text(frame.input)
        except ProblemError as error:
            self._channel.session.refused(frame.ref, error.problem)
            return
        answer = self._jobs.signal(token, identity, frame.name, frame.key or "", value)
        self._channel.then(answer, frame.ref, self._steered, frame.ref)

    def grant(self, frame: GrantFrame) -> None:
        """Give the client a grant for jobs of its own."""
        try:
            answer = self._jobs.grants.ask(frame, self._channel.session.auth_state.identity)
        except ProblemError as error:
            self._channel.session.refused(frame.ref, error.problem)
            return
        self._channel.then(answer, frame.ref, self._granted, frame.ref)

    def _bearer(self, text: str | None) -> Identity:
        """Return who the client is, with the grant that its frame carries.

        Raises:
            ProblemError: what it carries is no grant.

        """
        identity = self._channel.session.auth_state.identity
        return identity if text is None else identity.with_grants((self._jobs.grants.read(text),))

    def _granted(self, ref: int, answer: PendingAnswer[IssuedGrant]) -> None:
        problem = answer.problem
        if not self._channel.is_open:
            return
        if problem is None:
            issued = answer.result()
            frame = Granted(ref=ref, grant=issued.grant, may=issued.may, expires_at=issued.expires_at)
            self._channel.session.answer(ref, frame)
        else:
            self._channel.session.refused(ref, problem)
        self._channel.flush()

    def _steered(self, ref: int, answer: PendingAnswer[None]) -> None:
        problem = answer.problem
        if not self._channel.is_open:
            return
        if problem is None:
            self._channel.session.done(ref)
        else:
            self._channel.session.refused(ref, problem)
        self._channel.flush()
