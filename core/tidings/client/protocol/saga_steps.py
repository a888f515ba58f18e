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
        """Take the steps of a snapshot, which holds all."""
        self._known = {} if isinstance(steps, msgspec.UnsetType) else {step.path: step for step in steps}

    def apply_event(self, event: Event) -> Step | None:
        """Take a `step` event, and return the step; fields that the event lacks stay as they were.

        None: the event is of a later release, in a form unknown here.
        """
        try:
            said = msgspec.convert(event.data, _StepEventData)
        except msgspec.ValidationError:
            return None
        before = self._known.get(said.path)
        if before is None or before.name != said.name:  # after the saga began again another step may have this path
            before = Step(path=said.path, name=said.name, type=said.type, status=said.status, began=event.at)
        changes: dict[str, Any] = {"status": said.status}
        if said.status in _ENDED:
            changes["ended"] = event.at
        if said.child is not None:
            changes["child"] = said.child
        if said.undo_child is not None:
            changes["undo_child"] = said.undo_child
        if said.problem is not None:
            changes["problem"] = msgspec.Raw(msgspec.json.encode(said.problem))
        step = self._known[said.path] = msgspec.structs.replace(before, **changes)
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
