"""What a client has to ask for again by itself.

Watches that were refused for now or want a fresh grant, and calls that replicas of the store have not confirmed.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tidings.backoff import backoff
from tidings.protocol.problems import Problem

from .grant_renewal import GrantRenewal
from .protocol.client_protocol import ClientProtocol
from .protocol.tracked_job import JobCommand, TrackedJob

ASK_AGAIN_S = (0.5, 30.0)
"""Longest pause before the client asks again for what was refused for now: at first, and after many, s."""


class CallRetries:
    """Asks for them again, each in a task of the client's."""

    def __init__(
        self,
        protocol: ClientProtocol,
        renewal: GrantRenewal,
        start: Callable[[Coroutine[Any, Any, None], str], None],
        on_news: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            protocol: knows the watches.
            renewal: has the program give fresh grants.
            start: runs a task of that name.
            on_news: has the protocol's frames sent.

        """
        self._protocol = protocol
        self._renewal = renewal
        self._start = start
        self._on_news = on_news
        self._refusals: dict[str, int] = {}
        """How often in a row the server refused the watch of a job for now, by token."""

    def answered(self, job: TrackedJob) -> None:
        """Take note that the server has answered for a job."""
        self._refusals.pop(job.token or "", None)
        if job.ended:
            self._renewal.forget(job)

    def take(self) -> None:
        """Begin with what has to be asked again."""
        for job in self._protocol.take_jobs_without_grant():
            self._start(self._renew(job), "tidings grant")
        for token, problem in self._protocol.take_postponed_watches():
            self._start(self._ask_again(token, problem), "tidings ask again")
        for call, problem in self._protocol.take_postponed_calls():
            self._start(self._send_again(call, problem), "tidings send again")

    async def _renew(self, job: TrackedJob) -> None:
        if await self._renewal.refresh(job):
            assert job.token is not None, "a job that is watched has a token"
            self._protocol.watch_again(job.token)
            self._on_news()

    async def _ask_again(self, token: str, problem: Problem) -> None:
        tries = self._refusals[token] = self._refusals.get(token, 0) + 1
        await _pause(tries, problem)
        self._protocol.watch_again(token)
        self._on_news()

    async def _send_again(self, call: TrackedJob | JobCommand, problem: Problem) -> None:
        await _pause(call.unconfirmed, problem)
        self._protocol.send_again(call)
        self._on_news()


async def _pause(tries: int, problem: Problem) -> None:
    """Wait after so many refusals as long as the last one says, and a random time more."""
    first_s, longest_s = ASK_AGAIN_S
    jitter = backoff(tries, random.random(), first_s=first_s, longest_s=longest_s)  # noqa: S311
    await asyncio.sleep((problem.retry_after or 0.0) + jitter)
