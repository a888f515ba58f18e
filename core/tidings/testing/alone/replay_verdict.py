"""What came of the replay of a saga."""

from enum import StrEnum

import msgspec


class ReplayVerdict(StrEnum):
    """Whether code fits a recorded saga."""

    FITS = "fits"
    """It takes all recorded steps again."""
    DIVERGED = "diverged"
    """It takes another step than the recorded one, or leaves one out."""
    FAILED = "failed"
    """Its handler raised an error, or took too long, before that could be said."""
    UNSERVED = "unserved"
    """It does not serve the kind, or not in the version: the saga would wait for a worker that does."""


class SagaReplay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of the replay of one recorded saga."""

    token: str
    """The job."""
    kind: str
    """Its kind."""
    version: int
    """Of the kind, with which it was submitted."""
    verdict: ReplayVerdict
    """Whether the code fits it."""
    path: str = ""
    """Of the step that does not fit; empty: none is to blame."""
    detail: str = ""
    """Why it does not fit."""

    @property
    def fits(self) -> bool:
        """Whether a worker with this code goes on with the saga, or leaves it to others, without harm."""
        return self.verdict in (ReplayVerdict.FITS, ReplayVerdict.UNSERVED)
