r"""Steps: what a saga has done so far, as its journal keeps it and as clients see it."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from .text_types import MomentText

SIGNAL_PATTERN = r"^[A-Za-z0-9_.-]{1,128}$(?!\n)"
"""What a signal may be called."""

MAX_SIGNAL_BYTES = 65_536
"""Size of a signal's value, as JSON."""


class StepType(StrEnum):
    """What a step does."""

    STEP = "step"
    """Calls a function in the saga's own worker."""
    CALL = "call"
    """Has a child job run, of any kind, in any queue."""
    SIGNAL = "signal"
    """Waits for a word from outside."""
    SLEEP = "sleep"
    """Waits for a time."""


class StepStatus(StrEnum):
    """How far a step is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation_failed"


class StepHead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the journal keeps of a step beside its input and what came of it. Times are ms, by the store's clock."""

    # The status first: the script that writes heads compares their beginnings.
    status: StepStatus
    name: str
    type: StepType
    attempts: int = 0
    failures: int = 0
    """Attempts that the function itself ended with an error."""
    ok: bool | None = None
    """Whether it succeeded; None: it has not ended."""
    unknown: bool = False
    """It failed, and what it has done by then is not known."""
    owes: int = 0
    """1: the saga owes something for it: to undo it, or to wait for its end."""
    worker: str = ""
    child: str = ""
    """Token of the job that does it."""
    kind: str = ""
    """Of the child."""
    undo: str = ""
    """Name of the function, or the kind, that undoes it; empty: nothing does."""
    undo_kind: bool = False
    """Whether a job of that kind undoes it."""
    undo_child: str = ""
    number: int = 0
    """Which signal of its name it took, from 1."""
    undo_attempts: int = 0
    undo_failures: int = 0
    began: int = 0
    ended: int = 0
    due: int = 0
    """When its timer comes: of a sleep, of a signal's time limit, of a pause before another attempt."""
    order: int = 0
    """The how-manieth of the saga's steps it was to end."""


class StepRow(msgspec.Struct, array_like=True, frozen=True):
    """One step as the store tells it to a gateway."""

    path: str
    head: str
    """JSON text of its `StepHead`."""
    input: str = ""
    outcome: str = ""
    """JSON text of its result or problem; an input or outcome that is very large is left out."""
    cut: int = 0
    """Bytes of what is not told."""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a saga as clients see it, in `steps` of a snapshot."""

    path: str
    """Its place in the program: `1`, `2`, …; in the first branch of the `gather` at 3: `3.1.1`, …"""
    name: str
    """What the program calls the step: a function, a kind or a signal."""
    type: StepType
    """What the step does."""
    status: StepStatus
    """How far the step is."""
    began: MomentText
    """RFC 3339, the store's clock."""
    ended: MomentText | None = None
    """RFC 3339, the store's clock; not there before its end."""
    attempts: int = 0
    """How many attempts have begun."""
    worker: str | None = None
    """The worker that runs it, or ran its last attempt."""
    child: str | None = None
    """Token of the job that does it."""
    kind: str | None = None
    """The kind of the child job."""
    input: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """What the step was given."""
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """What the step returned."""
    problem: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """Why the step failed, a problem document."""
    cut_bytes: int = 0
    """Bytes of input and result that are left out because they are large."""
    undo: str | None = None
    """The function, or the kind, that undoes it."""
    undo_child: str | None = None
    """Token of the job that undoes it."""


def step_number(path: str) -> tuple[int, ...]:
    """Return what orders paths as the program does."""
    return tuple(int(part) for part in path.split("."))


encode_head: Any = msgspec.json.Encoder().encode
decode_head: Callable[[bytes | str], StepHead] = msgspec.json.Decoder(StepHead).decode
