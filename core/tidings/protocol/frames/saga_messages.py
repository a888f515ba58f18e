"""Running sagas, as operators see them over HTTP."""

import msgspec

from tidings.protocol.partial_answer import PartialAnswer
from tidings.protocol.problems import Problem


class SagaCountLine(msgspec.Struct, frozen=True, kw_only=True):
    """The sagas of one version of a kind in one queue."""

    kind: str
    """The kind."""
    version: int
    """The version of the kind with which they were submitted."""
    queue: str
    """The queue."""
    sagas: int
    """How many have taken a step and have not ended."""
    held: int
    """How many of them are held, because the code of the workers that tried them takes other steps."""


class HeldSagaLine(msgspec.Struct, frozen=True, kw_only=True):
    """One saga that is held."""

    token: str
    """The job's token."""
    kind: str
    """The kind."""
    version: int
    """The version of the kind with which it was submitted."""
    queue: str
    """The queue."""
    pinned: bool
    """Whether only workers whose own version is its version run it."""
    unwinding: bool
    """Whether it undoes its work."""
    held: Problem
    """What does not fit."""


class SagaList(PartialAnswer, frozen=True, kw_only=True):
    """The running sagas by version, and those that are held."""

    counts: list[SagaCountLine]
    """How many run, by kind, version and queue."""
    held: list[HeldSagaLine]
    """Those that are held; as many as were asked for at the most."""
