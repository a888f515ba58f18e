"""The steps of a saga as a client knows them: from snapshots, moved on by events. Pure."""

from typing import Any

import msgspec

from tidings.protocol.steps import Step, StepStatus, StepType, step_number

from .job_event import Event

_ENDED = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED})


class SagaSteps:
    """All steps of one saga."""

    def __init__(self) -> None:
        self._known: dict[str, Step] = {}

    def take_snapshot(self, steps: list[Step] | msgspec.UnsetType) -> None:
        """Take what a snapshot says, which is all there is."""
        self._known = {} if isinstance(steps, msgspec.UnsetType) else {step.path: step for step in steps}

    def apply_event(self, event: Event) -> Step | None:
        """Take what a `step` event says, and return the step; what it does not say stays as it was.

        None: the event is of a later release, for which this one has no words.
        """
        try:
            told = msgspec.convert(event.data, _StepEventData)
        except msgspec.ValidationError:
            return None
        before = self._known.get(told.path)
        if before is None or before.name != told.name:  # after it began anew another may stand there
            before = Step(path=told.path, name=told.name, type=told.type, status=told.status, began=event.at)
        changes: dict[str, Any] = {"status": told.status}
        if told.status in _ENDED:
            changes["ended"] = event.at
        if told.child is not None:
            changes["child"] = told.child
        if told.undo_child is not None:
            changes["undo_child"] = told.undo_child
        if told.problem is not None:
            changes["problem"] = msgspec.Raw(msgspec.json.encode(told.problem))
        step = self._known[told.path] = msgspec.structs.replace(before, **changes)
        return step

    def in_order(self) -> list[Step]:
        """Return them in the order of the program."""
        return sorted(self._known.values(), key=lambda step: step_number(step.path))


class _StepEventData(msgspec.Struct):
    """The data of a `step` event."""

    path: str
    name: str
    type: StepType
    status: StepStatus
    child: str | None = None
    undo_child: str | None = None
    problem: Any = None
