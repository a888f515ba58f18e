"""What a client knows of a saga's steps."""

from typing import Any

import msgspec
import pytest

from tidings.client.protocol.job_event import Event
from tidings.client.protocol.saga_steps import SagaSteps
from tidings.protocol.steps import Step, StepStatus, StepType

AT = "2026-01-01T00:00:00.000Z"


def step(path: str, status: str = "running", **fields: Any) -> Step:
    return Step(path=path, name="n", type=StepType.STEP, status=StepStatus(status), began=AT, **fields)


def hear(steps: SagaSteps, path: str, status: str, at: str = AT, **data: Any) -> None:
    data = {"path": path, "name": "n", "type": "step", "status": status, **data}
    steps.apply_event(Event("step", data, 1, "running", at))


def shown(steps: SagaSteps) -> list[tuple[str, str]]:
    return [(one.path, str(one.status)) for one in steps.in_order()]


def test_steps_stand_in_the_order_of_the_program() -> None:
    steps = SagaSteps()
    for path in ("10", "2", "3.2", "3.10", "3.1.1", "1"):
        hear(steps, path, "running")
    assert [path for path, _ in shown(steps)] == ["1", "2", "3.1.1", "3.2", "3.10", "10"]


def test_an_event_moves_a_step_on_and_leaves_what_it_does_not_tell() -> None:
    steps = SagaSteps()
    steps.take_snapshot([step("1", worker="w", input=msgspec.Raw(b"[1]"), undo="back")])
    hear(steps, "1", "failed", "2026-01-01T00:00:01.000Z", problem={"code": "rejected"})
    (one,) = steps.in_order()
    assert (one.status, one.worker, one.began, one.ended) == ("failed", "w", AT, "2026-01-01T00:00:01.000Z")
    assert msgspec.json.decode(one.problem) == {"code": "rejected"}  # type: ignore[arg-type]
    assert (one.input, one.undo) == (msgspec.Raw(b"[1]"), "back")


def test_undoing_a_step_leaves_when_it_ended() -> None:
    steps = SagaSteps()
    steps.take_snapshot([step("1", "succeeded", ended=AT)])
    for status in ("compensating", "compensated"):
        hear(steps, "1", status, "2026-01-01T00:00:09.000Z", undo_child="default.x")
    (one,) = steps.in_order()
    assert (one.status, one.ended, one.undo_child) == ("compensated", AT, "default.x")


def test_a_snapshot_is_all_there_is() -> None:
    steps = SagaSteps()
    hear(steps, "7", "running")
    steps.take_snapshot([step("1")])
    assert shown(steps) == [("1", "running")]
    steps.take_snapshot(msgspec.UNSET)
    assert shown(steps) == []


def test_a_saga_that_began_again_may_have_another_step_at_the_same_place() -> None:
    steps = SagaSteps()
    steps.take_snapshot([step("1", "failed", problem=msgspec.Raw(b"{}"))])
    hear(steps, "1", "running", name="other", type="call", child="default.x")
    (one,) = steps.in_order()
    assert (one.name, one.type, one.child, one.problem) == ("other", "call", "default.x", msgspec.UNSET)


@pytest.mark.parametrize("data", [{}, {"path": "1"}, {"status": "levitating"}])
def test_what_only_a_later_release_understands_is_left_alone(data: dict[str, Any]) -> None:
    steps = SagaSteps()
    steps.apply_event(Event("step", data, 1, "running", AT))
    assert shown(steps) == []
