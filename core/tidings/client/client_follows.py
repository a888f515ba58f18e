"""The follows of one client: the readers that its user iterates over, and what the protocol finds for them."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tidings.protocol.problems import Problem, ProblemError

from .command_calls import CommandCalls
from .follow_reader import FollowReader
from .handle import Handle
from .protocol.client_protocol import ClientProtocol
from .protocol.follows import TagFollow
from .protocol.tracked_job import JobCommand, TrackedJob
from .protocol.watches import TRANSIENT_PROBLEMS

FOLLOW_AGAIN_S = (0.5, 2.0)
"""Bounds of the pause before the client asks again to follow a tag, s."""


class ClientFollows:
    """The follows of one client."""

    def __init__(
        self,
        protocol: ClientProtocol,
        commands: CommandCalls,
        start: Callable[[Coroutine[Any, Any, None], str], None],
        on_news: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            protocol: follows the tags.
            commands: gives the first `follow` of each.
            start: runs a task of the client's.
            on_news: takes what the protocol has learned, and sends what it asks.

        """
        self._protocol = protocol
        self._commands = commands
        self._start = start
        self._on_news = on_news
        commands.unclaimed = self.refused
        self._readers: dict[TagFollow, FollowReader] = {}
        self._found: dict[TrackedJob, FollowReader] = {}
        """Jobs that were found, until their handles are made."""

    def reader(self, tag: str) -> FollowReader:
        """Return the iterator over a tag's jobs, which begins when it is asked for one."""
        return FollowReader(self._begin, self._end, tag)

    async def _begin(self, reader: FollowReader) -> TagFollow:
        begun: list[TagFollow] = []

        def ask() -> JobCommand:
            follow = self._protocol.follow(reader.tag)
            begun.append(follow)
            self._readers[follow] = reader
            return follow.command

        try:
            await self._commands.give(ask)
        except BaseException:
            for follow in begun:
                self._drop(follow)
            raise
        return begun[0]

    def _end(self, reader: FollowReader) -> None:
        follow = reader.follow
        if follow is not None and follow in self._readers:
            del self._readers[follow]
            self._protocol.unfollow(follow, [handle.job for handle in reader.handles])
            self._on_news()

    def _drop(self, follow: TagFollow) -> None:
        self._readers.pop(follow, None)
        self._protocol.follows.remove(follow)

    # What the client calls.

    def found(self) -> list[TrackedJob]:
        """Return the jobs that were found since the last call; each is to get a handle."""
        found = {job: self._readers[follow] for follow, job in self._protocol.follows.take_found()}
        self._found |= found
        return list(found)

    def put(self, job: TrackedJob, handle: Handle[Any]) -> None:
        """Give a reader the handle of a job that was found for it."""
        self._found.pop(job).put(handle)

    def refused(self, command: JobCommand, problem: Problem) -> None:
        """Take the refusal of a follow on another socket than its first."""
        follow = self._protocol.follows.of(command)
        if follow is None:
            return
        if problem.code in TRANSIENT_PROBLEMS:
            self._start(self._again(follow, problem), "tidings follow again")
        else:
            reader = self._readers[follow]
            self._drop(follow)
            reader.finish(ProblemError(problem))

    async def _again(self, follow: TagFollow, problem: Problem) -> None:
        await asyncio.sleep((problem.retry_after or 0.0) + random.uniform(*FOLLOW_AGAIN_S))  # noqa: S311 - jitter
        if follow in self._readers:
            self._protocol.follow_again(follow)
            self._on_news()

    def closed(self, error: Exception) -> None:
        """End all iterators: there will be no connection any more."""
        for reader in self._readers.values():
            reader.finish(error)
        self._readers.clear()
