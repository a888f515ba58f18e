"""The grants by which a client watches jobs: fetched again at each connection, and when one is about to run out."""

import asyncio
import logging
import random

from tidings.backoff import backoff

from .connection.credential import Credential, CredentialSource
from .protocol.tracked_job import TrackedJob

PAUSES_S = (0.5, 30.0)
"""Longest pause before a program's callable is asked again after an error: at first, and after many, s."""

log: logging.Logger = logging.getLogger("tidings.client")


class GrantRenewal:
    """The sources of grants, by the job for which they are."""

    def __init__(self, within_s: float) -> None:
        """Prepare.

        Args:
            within_s: how long a source may take.

        """
        self._within_s = within_s
        self._sources: dict[TrackedJob, Credential] = {}

    async def first(self, source: CredentialSource) -> tuple[Credential, str]:
        """Return a source, and its first grant.

        Raises:
            ConnectionFailed: it gives no text that can be sent.
            TimeoutError: it took too long.
            Exception: the callable raised it.

        """
        grants = Credential(source)
        return grants, await grants.fetch(self._within_s) or ""

    def keep(self, job: TrackedJob, grants: Credential) -> None:
        """Renew the grant of a job from now on, if its source can be asked again."""
        job.renews = grants.renewable
        if grants.renewable:
            self._sources[job] = grants

    def forget(self, job: TrackedJob) -> None:
        """Renew the grant of a job no more."""
        self._sources.pop(job, None)

    async def refresh(self, job: TrackedJob) -> bool:
        """Give a job a fresh grant; return whether it needs one still.

        A source that fails is asked again: the job is not lost with it.
        """
        tries = 0
        while (grants := self._sources.get(job)) is not None and not job.ended:
            try:
                job.grant = await grants.fetch(self._within_s) or ""
            except Exception as error:  # noqa: BLE001 - the program's own code runs there
                # Its text is not repeated, because it may hold what must not be shown.
                log.warning("no grant for %s: %s was raised", job.token, type(error).__name__)
                tries += 1
                first_s, longest_s = PAUSES_S
                await asyncio.sleep(backoff(tries, random.random(), first_s=first_s, longest_s=longest_s))  # noqa: S311
            else:
                return True
        return False
