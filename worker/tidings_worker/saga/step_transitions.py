"""The status of a step in the journal: the one table of legal transitions. Pure.

::

    running ──> succeeded ──┐
        │  └──> failed ─────┼──> compensating ──> compensated
        └───────────────────┘         │   ^
                                      v   │
                               compensation_failed

Rules:

* A step keeps its status while the worker tries it again: `running` and `compensating` may follow themselves.
* A step may begin as `failed`: the worker writes it for the first time when it knows that it cannot do it.
* The saga undoes a step in any status but `compensated`. A step that is `running` or `failed` may have done its work:
  its worker may have died, or its result may have been too large to keep.
* The saga gives up undoing a step that it does not know how to undo: such a step becomes `compensation_failed` from any
  of those statuses. When an operator replays the dead letter, the saga tries again.
* The script `wake.lua` takes `running` and `compensating` steps further when their children end. An operator's replay
  of a dead letter (`dead_replay.lua`) removes `failed` steps, which then begin again.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tidings.protocol.steps import StepStatus

_UNDOING = frozenset({StepStatus.COMPENSATING, StepStatus.COMPENSATION_FAILED})

TRANSITIONS: Mapping[StepStatus, frozenset[StepStatus]] = MappingProxyType(
    {
        StepStatus.RUNNING: frozenset({StepStatus.RUNNING, StepStatus.SUCCEEDED, StepStatus.FAILED}) | _UNDOING,
        StepStatus.SUCCEEDED: _UNDOING,
        StepStatus.FAILED: _UNDOING,
        StepStatus.COMPENSATING: _UNDOING | {StepStatus.COMPENSATED},
        StepStatus.COMPENSATION_FAILED: _UNDOING,
        StepStatus.COMPENSATED: frozenset(),
    }
)
"""For each status, the statuses that may follow it."""

INITIAL: frozenset[StepStatus] = frozenset({StepStatus.RUNNING, StepStatus.FAILED})
"""The statuses with which a step may come into the journal."""

UNDOABLE: frozenset[StepStatus] = frozenset(
    status for status, after in TRANSITIONS.items() if StepStatus.COMPENSATING in after
)
"""The statuses in which the saga may begin, or go on, to undo a step."""

UNDO_BEGUN: frozenset[StepStatus] = _UNDOING | {StepStatus.COMPENSATED}
"""The statuses of a step that the saga has undone, or has tried to."""


class IllegalStepTransitionError(RuntimeError):
    """The worker was about to write a status that may not follow the step's present one: a fault of the worker."""

    def __init__(self, path: str, before: StepStatus | None, after: StepStatus) -> None:
        super().__init__(f"step {path} is {before or 'not in the journal'} and cannot become {after}")


def check_transition(path: str, before: StepStatus | None, after: StepStatus) -> None:
    """Check that a step may change its status so; `before` is None for a step that the journal does not have.

    Raises:
        IllegalStepTransitionError: the table has no such transition.

    """
    if after not in (INITIAL if before is None else TRANSITIONS[before]):
        raise IllegalStepTransitionError(path, before, after)
