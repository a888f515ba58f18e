"""The tags that clients of this process follow: one topic for each tag of each owner, and the channels that bring jobs.

The script that submits a job publishes its id to a channel of the partition for each of its tags (`submit.lua`). This
process subscribes to the channels of the tags that its clients follow, then reads which jobs there are by then: a job
that is submitted later comes by the channel, and one that does both is passed on once by its follower. The jobs' events
come by the hub, as for every watch, which begins with a snapshot: so no event is missed, and none comes twice.

Pub/sub forgets. When the subscription is back after a loss, the feed reads again, with the jobs that ended meanwhile.
"""

import asyncio
import re
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Protocol

import anyio
import anyio.abc
import msgspec

from tidings.protocol.tokens import Token
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.owned_jobs import OwnedJobs
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import AnySubscription
from tidings_server.observability.error_boundary import unexpected_problem

READERS = 2
"""Lists of jobs that this process reads at a time: many clients may come back at once."""

OVERLAP_MS = 30_000
"""How far before a loss the feed looks for jobs that ended: the loss is noticed some seconds after it began."""

_ID = re.compile(rb"(\+?)([A-Za-z0-9_-]{22})")


class Follower(Protocol):
    """A client that follows a tag."""

    def found(self, tokens: Sequence[Token], *, lives_again: bool = False) -> None:
        """Take jobs with the tag; the same job may come more than once.

        Args:
            tokens: the jobs.
            lives_again: whether they had ended, and an operator has replayed them.

        """


class TagTopic:
    """One tag of one owner, and its followers in this process."""

    __slots__ = ("followers", "owner", "tag")

    def __init__(self, owner: str, tag: str) -> None:
        self.owner = owner
        self.tag = tag
        self.followers: list[Follower] = []


class FollowStart(msgspec.Struct, frozen=True):
    """The jobs that there are when a follow begins."""

    tokens: list[Token]
    """The oldest first."""
    at_ms: int
    """The store's time before it was asked for them, ms since the epoch."""


class TagFeed:
    """The tags that this process follows."""

    def __init__(
        self, subscription: AnySubscription, owned_jobs: OwnedJobs, keys: StoreKeys, partitions: Collection[str]
    ) -> None:
        """Prepare; `run` holds the tasks.

        Args:
            subscription: reads the channels.
            owned_jobs: tells which jobs there are.
            keys: the names of the namespace.
            partitions: in which jobs may lie; the caller says so to `open_new` when it grows.

        """
        self._subscription = subscription
        self._owned_jobs = owned_jobs
        self._keys = keys
        self._partitions = partitions
        self._topics: dict[tuple[str, str], TagTopic] = {}
        self.channels: dict[str, tuple[TagTopic, str]] = {}
        """Channel → its topic and its partition."""
        self._opened: set[str] = set()
        """The partitions in which the tags of all topics are followed."""
        self._readers = anyio.CapacityLimiter(READERS)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._lost_at: float | None = None
        """When the loss of the subscription was noticed, by the monotonic clock; None: it is not lost."""

    def __len__(self) -> int:
        return len(self._topics)

    async def run(self) -> None:
        """Hold the tasks until cancelled."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            await anyio.sleep_forever()

    # Following.

    def begin(self, owner: str, tag: str, follower: Follower, since_ms: int = 0) -> "asyncio.Future[FollowStart]":
        """Return a future of what `join` returns; it fails as that does."""
        assert self._tasks is not None, "use it while it runs"
        answer: asyncio.Future[FollowStart] = asyncio.get_running_loop().create_future()
        self._tasks.start_soon(self._begin, answer, owner, tag, follower, since_ms, name="follow")
        return answer

    async def _begin(
        self, answer: "asyncio.Future[FollowStart]", owner: str, tag: str, follower: Follower, since_ms: int
    ) -> None:
        try:
            found = await self.join(owner, tag, follower, since_ms)
        except StoreError as error:
            answer.set_exception(error)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        else:
            answer.set_result(found)

    async def join(self, owner: str, tag: str, follower: Follower, since_ms: int = 0) -> FollowStart:
        """Pass jobs with a tag on to a follower, and return those that there are.

        Args:
            owner: whose; empty: of servers without authentication.
            tag: the tag.
            follower: gets the jobs that are submitted from now on; some may be among those returned.
            since_ms: also those that ended then or later, ms since the epoch; 0: none.

        Raises:
            StoreError: the store cannot be reached; nothing is followed.

        """
        topic = self._topics.setdefault((owner, tag), TagTopic(owner, tag))
        topic.followers.append(follower)
        try:
            # A client may submit right behind its follow, and the job end before the channel is heard: those that ended
            # from now on are read too.
            began_ms = await self._owned_jobs.now_ms()
            await self._subscription.add(*self._listen(topic, self._partitions))
            return FollowStart(await self._read(owner, tag, since_ms or began_ms + 1), began_ms)
        except BaseException:
            self.leave(owner, tag, follower)
            raise

    def leave(self, owner: str, tag: str, follower: Follower) -> None:
        """Pass nothing more on to a follower."""
        topic = self._topics.get((owner, tag))
        if topic is None or follower not in topic.followers:
            return
        topic.followers.remove(follower)
        if not topic.followers:
            del self._topics[owner, tag]
            mine = [channel for channel, (one, _) in self._channels_of(topic) if one is topic]
            for channel in mine:
                del self.channels[channel]
            if self._tasks is not None:
                self._tasks.start_soon(self._unsubscribe, mine, name="unfollow")

    def _channels_of(self, topic: TagTopic) -> list[tuple[str, tuple[TagTopic, str]]]:
        names = [self._keys.tagged(partition, topic.owner, topic.tag) for partition in self._partitions]
        return [(name, self.channels[name]) for name in names if name in self.channels]

    def _listen(self, topic: TagTopic, partitions: Collection[str]) -> list[str]:
        """Note the channels of a topic in some partitions, and return them."""
        made = {self._keys.tagged(partition, topic.owner, topic.tag): (topic, partition) for partition in partitions}
        self.channels |= made
        return list(made)

    async def _unsubscribe(self, channels: list[str]) -> None:
        with suppress(StoreError):  # the next connection would ask for them again
            await self._subscription.add(*channels)  # what was asked for is confirmed first
        await self._subscription.remove(*(channel for channel in channels if channel not in self.channels))

    # What comes.

    def hear(self, channel: str, data: bytes) -> None:
        """Take the message of a channel of `channels`: the id of a new job."""
        topic, partition = self.channels[channel]
        match = _ID.fullmatch(data)
        if match is not None:
            self._pass_on(topic, [Token(partition, match[2].decode())], lives_again=bool(match[1]))

    @staticmethod
    def _pass_on(topic: TagTopic, tokens: Sequence[Token], *, lives_again: bool = False) -> None:
        for follower in list(topic.followers):
            try:
                follower.found(tokens, lives_again=lives_again)
            except Exception as error:  # noqa: BLE001 - the border of one client: all share the subscription
                unexpected_problem("follow", error, tag=topic.tag)

    async def open_new(self, partitions: Collection[str]) -> None:
        """Follow all tags in those of some partitions in which they are not followed yet.

        Raises:
            StoreError: the store did not confirm it; to be called again.

        """
        for partition in set(partitions) - self._opened:
            channels = [name for topic in self._topics.values() for name in self._listen(topic, (partition,))]
            if channels:
                await self._subscription.add(*channels)
                self._read_again(OVERLAP_MS)
            self._opened.add(partition)

    def lost(self) -> None:
        """Take note that the subscription hears nothing."""
        if self._lost_at is None:
            self._lost_at = time.monotonic()

    def reopened(self) -> None:
        """Look for the jobs that were submitted while nothing was heard."""
        since, self._lost_at = self._lost_at, None
        self._read_again(OVERLAP_MS + (0 if since is None else int((time.monotonic() - since) * 1000)))

    def _read_again(self, back_ms: int) -> None:
        if self._tasks is None:
            return
        for owner in {owner for owner, _ in self._topics}:
            self._tasks.start_soon(self._catch_up, owner, time.monotonic() - back_ms / 1000, name="followed again")

    async def _catch_up(self, owner: str, since: float) -> None:
        """Pass on an owner's jobs that live, or that ended since a time by the monotonic clock."""
        failures = 0
        while True:
            topics = [topic for topic in self._topics.values() if topic.owner == owner]
            try:
                for topic in topics:
                    since_ms = await self._owned_jobs.now_ms() - int((time.monotonic() - since) * 1000)
                    self._pass_on(topic, await self._read(owner, topic.tag, since_ms))
            except StoreError:
                failures += 1
                await anyio.sleep(store_retry_delay(failures))
            else:
                return

    async def _read(self, owner: str, tag: str, since_ms: int) -> list[Token]:
        async with self._readers:
            jobs = await self._owned_jobs.live(owner, sorted(self._partitions), tag, since_ms)
        return [job.token for job in jobs]
