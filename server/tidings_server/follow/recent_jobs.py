"""The jobs found last for one follow."""

from tidings.protocol.tokens import Token

MAX_RECENT = 1_000
"""Jobs that are remembered."""


class RecentJobs:
    """Says which jobs were found lately: a follow that has to look for jobs once more does not announce them again."""

    __slots__ = ("_jobs",)

    def __init__(self) -> None:
        self._jobs: dict[Token, None] = {}

    def add(self, token: Token) -> bool:
        """Note that a job is found; return whether it was not found lately."""
        if token in self._jobs:
            return False
        self._jobs[token] = None
        if len(self._jobs) > MAX_RECENT:
            del self._jobs[next(iter(self._jobs))]
        return True

    def forget(self, token: Token) -> None:
        """Note that a job that was found lately is another now: it had ended, and lives again."""
        self._jobs.pop(token, None)
