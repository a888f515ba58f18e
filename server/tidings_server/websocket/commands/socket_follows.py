"""The tags that the client of one socket follows."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

from tidings.protocol.frames.follow_messages import Follow, Following, Unfollow
from tidings.protocol.problems import Problem, ProblemError, problem, problem_error
from tidings.protocol.timestamps import rfc3339
from tidings.protocol.tokens import Token
from tidings_server.auth.grant import Grant
from tidings_server.auth.identity import Identity
from tidings_server.follow.granted_tag import GrantedTag
from tidings_server.follow.owner_filter import require_owner, tag_access
from tidings_server.follow.recent_jobs import RecentJobs
from tidings_server.follow.tag_feed import Follower, FollowStart, TagFeed
from tidings_server.jobs.pending_answer import PendingAnswer, result_of
from tidings_server.web.send.snapshot_queue import SnapshotQueue
from tidings_server.websocket.socket_channel import SocketChannel

from .followed_jobs import FollowedJobs


class SocketFollow(Follower):
    """One tag that a client follows."""

    __slots__ = ("_follows", "early", "granted", "grants", "over", "owner", "recent", "tag")

    def __init__(self, tag: str, owner: str, grants: tuple[Grant, ...], follows: "SocketFollows") -> None:
        self.tag = tag
        self.owner = owner
        self.grants = grants
        """Those that came with the frame."""
        self.granted: GrantedTag | None = None
        """What it stands by; None: the client's credential."""
        self.early: list[Token] | None = []
        """Jobs found before the client has its answer; None: it has it."""
        self.over = False
        self.recent = RecentJobs()
        self._follows = follows

    def found(self, tokens: Sequence[Token], *, lives_again: bool = False) -> None:
        """Take jobs with the tag."""
        if self.granted is not None and self.granted.over():
            return
        if lives_again:
            for token in tokens:
                self.recent.forget(token)
        if self.early is None:
            self._follows.found(self, tokens)
        else:
            self.early += tokens


class SocketFollows:
    """Carries out the frames `follow` and `unfollow` of one client."""

    __slots__ = ("_announcements", "_channel", "_feed", "_follows", "_jobs", "_wanted")

    def __init__(self, channel: SocketChannel, jobs: FollowedJobs, feed: TagFeed) -> None:
        """Begin without a follow.

        Args:
            channel: the way to the client.
            jobs: watches the jobs that are found.
            feed: finds them.

        """
        self._channel = channel
        self._jobs = jobs
        self._feed = feed
        self._follows: dict[str, SocketFollow] = {}
        self._wanted: dict[Token, set[str]] = {}
        """The jobs that wait to be announced, with the tags under which they were found."""
        self._announcements = SnapshotQueue(channel.session.send_buffer, self._announce)

    def leave(self) -> None:
        """Follow nothing more: the socket is gone."""
        self._announcements.keep(lambda _: False)
        for follow in self._follows.values():
            follow.over = True
            self._feed.leave(follow.owner, follow.tag, follow)

    def check(self, identity: Identity) -> None:
        """End the follows that the client's new credential does not allow."""
        for follow in list(self._follows.values()):
            if follow.granted is not None:
                continue  # it stands by its grant, and ends with that
            try:
                identity.require("watch")
                require_owner(identity, follow.owner)
            except ProblemError as error:
                self._end(follow)
                detail = f"the tag {follow.tag!r} is followed no more: {error.problem.detail}"
                self._channel.session.watch_refused(None, problem(error.code, detail), follow.tag)

    # Following.

    def do(self, frame: Follow | Unfollow) -> None:
        """Carry out a frame."""
        if isinstance(frame, Follow):
            self.follow(frame)
        else:
            self.unfollow(frame)

    def follow(self, frame: Follow) -> None:
        """Follow a tag."""
        session = self._channel.session
        try:
            grants = None if frame.grant is None else (self._jobs.read_grant(frame.grant),)
            access = tag_access(session.auth_state.identity, frame.tag, frame.owner, grants)
            self._jobs.require_catalog()
            self._make_way(frame.tag, access.owner)
        except ProblemError as error:
            session.refused(frame.ref, error.problem)
            return
        follow = self._follows[frame.tag] = SocketFollow(frame.tag, access.owner, grants or (), self)
        follow.granted = self._jobs.granted.follow_tag(frame.tag, access, follow.grants, partial(self._end, follow))
        self._jobs.lend(frame.tag, follow.grants)
        session.watch_begun()
        since_ms = 0 if frame.since is None else max(int(frame.since.timestamp() * 1000), 1)
        answer = PendingAnswer("follow", self._feed.begin(access.owner, frame.tag, follow, since_ms), result_of)
        self._channel.then(answer, frame.ref, self._joined, frame.ref, follow)

    def _make_way(self, tag: str, owner: str) -> None:
        """Check that a tag may be followed, and end the follow of it that the client wants to begin again.

        Raises:
            ProblemError: `invalid_frame` or `too_many_watches`.

        """
        known, most = self._follows.get(tag), self._channel.session.limits.max_follows
        if known is not None and known.owner != owner:
            detail = "this connection follows that tag of another owner: unfollow it, or open another connection"
            raise problem_error("invalid_frame", detail, field="/tag")
        if known is not None and known.early is not None:
            raise problem_error("invalid_frame", "a follow of that tag has no answer as yet", field="/tag")
        if known is not None:
            self._stop(known)
        elif len(self._follows) >= most:
            detail = f"this connection follows {len(self._follows)} tags; at most {most} may be: unfollow some"
            raise problem_error("too_many_watches", detail, field="/tag", limit=most)

    def _joined(self, ref: int, follow: SocketFollow, answer: PendingAnswer[FollowStart]) -> None:
        tokens: list[Token] = []
        refused = answer.problem
        if refused is None and follow.over:
            refused = problem("invalid_frame", "the client unfollowed the tag before the follow began")
        elif refused is None:
            tokens = [*dict.fromkeys(chain(answer.result().tokens, follow.early or ()))]
            refused = self._excess(tokens)
        if refused is None:
            follow.early = None
            at = rfc3339(answer.result().at_ms)
            self._channel.session.answer(ref, Following(ref=ref, tag=follow.tag, jobs=len(tokens), at=at))
            self.found(follow, tokens)
        else:
            if not follow.over:
                self._stop(follow)
            self._feed.leave(follow.owner, follow.tag, follow)  # one that was unfollowed meanwhile has joined since
            if self._channel.is_open:
                self._channel.session.refused(ref, refused)
        self._channel.flush()

    def _excess(self, tokens: list[Token]) -> Problem | None:
        """Return why so many jobs cannot be watched, if so."""
        session = self._channel.session
        fresh = sum(not self._jobs.is_watched(token) and token not in self._wanted for token in tokens)
        most = session.limits.max_watches
        if session.watches + len(self._wanted) + fresh <= most:
            return None
        detail = f"{len(tokens)} jobs have that tag, and this connection may watch {most} in all: unwatch some"
        return problem("too_many_watches", detail, field="/tag", limit=most)

    def found(self, follow: SocketFollow, tokens: Iterable[Token]) -> None:
        """Announce jobs that were found for a follow, unless they were before."""
        fresh: list[Token] = []
        for token in tokens:
            if not follow.recent.add(token):
                continue
            if token in self._wanted:
                self._wanted[token].add(follow.tag)
                continue
            refused = None if self._jobs.is_watched(token) else self._excess([token])
            if refused is not None:  # the client may still watch it, when it has room
                self._channel.session.watch_refused(str(token), refused)
                continue
            self._wanted[token] = {follow.tag}
            fresh.append(token)
        self._announcements.add(fresh)
        self._channel.flush()

    def _announce(self, token: Token) -> bool:
        tags = {tag for tag in self._wanted.pop(token, ()) if tag in self._follows}
        grants = tuple(grant for tag in tags for grant in self._follows[tag].grants)
        return bool(tags) and self._jobs.announce(token, tags, self._announcements.settled, grants)

    def unfollow(self, frame: Unfollow) -> None:
        """Follow a tag no more."""
        follow = self._follows.get(frame.tag)
        if follow is not None:
            self._end(follow)
        self._channel.session.done(frame.ref)

    def _end(self, follow: SocketFollow) -> None:
        """End a follow, and the watches that it began."""
        self._stop(follow)
        for tags in self._wanted.values():
            tags.discard(follow.tag)
        self._announcements.keep(lambda token: bool(self._wanted.get(token)))
        self._wanted = {token: tags for token, tags in self._wanted.items() if tags}
        self._jobs.drop_followed(follow.tag)

    def _stop(self, follow: SocketFollow) -> None:
        """End a follow; the jobs that it found are still watched."""
        follow.over = True
        if follow.granted is not None:
            self._jobs.granted.discard(follow.granted)
        self._feed.leave(follow.owner, follow.tag, follow)
        del self._follows[follow.tag]
        self._channel.session.watch_ended()
