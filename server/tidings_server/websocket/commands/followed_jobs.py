"""The jobs of one socket, those among them that a follow has found."""

from collections.abc import Callable
from functools import partial

from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.grant import Grant
from tidings_server.jobs.client_answers import tags_of
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.watch.granted_watches import GrantedWatch

from .large_answer import LargeAnswerReservation
from .socket_jobs import SocketJobs
from .socket_listener import SocketListener


class FollowedJobs(SocketJobs):
    """Watches jobs as the client asks, and as its follows find them."""

    __slots__ = ()

    def require_catalog(self) -> None:
        """Refuse what needs the queues while they are not known; as `JobService.require_catalog`."""
        self._jobs.require_catalog()

    def read_grant(self, text: str) -> Grant:
        """Return the grant of a frame; as `GrantService.read`."""
        return self._jobs.grants.read(text)

    def is_watched(self, token: Token) -> bool:
        """Return whether the client watches a job."""
        return str(token) in self._listeners

    def announce(
        self, token: Token, tags: set[str], settled: Callable[[], None], grants: tuple[Grant, ...] = ()
    ) -> bool:
        """Send the snapshot of a job that a follow has found, and then its events.

        Args:
            token: the job's.
            tags: under which it was found.
            grants: those by which the tags are followed.
            settled: called when the snapshot is sent, or will not come.

        Returns:
            Whether the store is asked; if not, `settled` is not called.

        """
        known = self._listeners.get(str(token))
        if known is not None and known.buffered is not None:
            known.follows |= tags  # its ack is to come, and then the snapshot; or its snapshot is on the way
            known.grants = _joined(known.grants, grants)
            return False
        if known is not None:
            self._drop(known)
        listener = self._listen(token)
        listener.asked = known is not None and known.asked
        listener.follows = tags if known is None else known.follows | tags
        after = 0 if known is None else known.seq
        room = self._room()
        listener.grants = grants if known is None else _joined(known.grants, grants)
        answer = self._jobs.watch(listener, partial(self._reader, listener.grants), after, room)
        answer.on_settled = partial(self._announced, listener, after, room, settled)
        return True

    def _announced(
        self,
        listener: SocketListener,
        after: int,
        room: LargeAnswerReservation,
        settled: Callable[[], None],
        answer: PendingAnswer[JobRecord],
    ) -> None:
        token = str(listener.token)
        try:
            self._send_announced(listener, after, answer)
        except Exception as error:  # noqa: BLE001 - the border of one job: an event loop has no use for it
            self.channel.session.watch_refused(token, unexpected_problem("follow", error, token=token))
        finally:
            room.told()
            settled()
            self.channel.flush()

    def _send_announced(self, listener: SocketListener, after: int, answer: PendingAnswer[JobRecord]) -> None:
        problem, session = answer.problem, self.channel.session
        if problem is not None:
            self.ended(listener)
            # A job whose record has left since it was found is none that the client has asked for.
            if self.channel.is_open and (listener.asked or problem.code != "unknown_token"):
                session.watch_refused(str(listener.token), problem)
            return
        record = answer.result()
        listener.owner, listener.tags = record.owner, tags_of(record)
        if self.channel.is_open:
            self.granted.follow(listener)
            self.send_snapshot(listener, record, None, after)
            listener.release(record.seq)

    def acked(self, listener: SocketListener) -> None:
        """Announce a job that a follow found before its client had the ack."""
        if listener.follows:
            self.announce(listener.token, set(), _do_nothing)

    def lend(self, tag: str, grants: tuple[Grant, ...]) -> None:
        """Let the watches that the follow of a tag holds stand by its newer grants, too."""
        for listener in self._listeners.values():
            if tag in listener.follows:
                listener.grants = _joined(listener.grants, grants)
                if isinstance(listener.granted, GrantedWatch):
                    listener.granted.grants = listener.grants
        self.granted.shown()

    def drop_followed(self, tag: str) -> None:
        """End the watches that nothing but the follow of a tag holds."""
        for listener in list(self._listeners.values()):
            listener.follows.discard(tag)
            if not listener.follows and not listener.asked:
                self._drop(listener)


def _joined(known: tuple[Grant, ...], fresh: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """Return the grants of a watch that gets more; those that are over, and those that it has, are left out."""
    if not fresh:
        return known
    return (*(grant for grant in known if grant not in fresh and not grant.expired()), *fresh)


def _do_nothing() -> None:
    """Take note of an announcement that no queue waits for."""
