"""The watches that a client has to ask for again by itself: refused for now, or in want of a fresh grant."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tidings.backoff import backoff
from tidings.protocol.problems import Problem

from .grant_renewal import GrantRenewal
from .protocol.client_protocol import ClientProtocol
from .protocol.tracked_job import TrackedJob

ASK_AGAIN_S = (0.5, 30.0)
"""Longest pause before the client asks again for a watch that was refused for now: at first, and after many, s."""


class WatchRetries:
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

    async def _renew(self, job: TrackedJob) -> None:
        if await self._renewal.refresh(job):
            assert job.token is not None, "a job that is watched has a token"
            self._protocol.watch_again(job.token)
            self._on_news()

    async def _ask_again(self, token: str, problem: Problem) -> None:
        tries = self._refusals[token] = self._refusals.get(token, 0) + 1
        first_s, longest_s = ASK_AGAIN_S
        jitter = backoff(tries, random.random(), first_s=first_s, longest_s=longest_s)  # noqa: S311
        await asyncio.sleep((problem.retry_after or 0.0) + jitter)
        self._protocol.watch_again(token)
        self._on_news()
