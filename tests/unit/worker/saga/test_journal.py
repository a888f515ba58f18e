"""The pure part of sagas: places, what is left to do, the journal, the order of undoing."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tidings.protocol.problems import problem
from tidings.protocol.steps import StepHead, StepRow, StepStatus, StepType, encode_head, step_number
from tidings.protocol.tokens import parse_token
from tidings.saga.step_errors import SignalTimeout, StepError
from tidings.store.saga_store import ChildEnd
from tidings.store.saga_store import EndedChild as BrokerEnded
from tidings_server.watch.step_timeline import timeline
from tidings_worker.outcome import outcomes
from tidings_worker.saga.branch import Activity, Branch
from tidings_worker.saga.children import child_end_of
from tidings_worker.saga.journal import DivergedError, Journal, child_id, step_key

ENDED = {StepStatus.SUCCEEDED: True, StepStatus.FAILED: False}

programs = st.recursive(st.just(None), lambda inner: st.lists(st.lists(inner, max_size=3), min_size=1, max_size=3))
"""A step, or a gather of branches, each a list of steps and gathers."""


def places(program: list[object], branch: Branch) -> list[str]:
    """Return the paths that a program's steps get."""
    found = []
    for part in program:
        path = branch.number()
        found.append(path)
        if isinstance(part, list):
            for index, inner in enumerate(part, 1):
                found += places(inner, Branch.under(path, index))
    return found


@given(st.lists(programs, max_size=4))
def test_every_step_has_a_place_of_its_own_and_the_same_in_each_run(program: list[object]) -> None:
    found = places(program, Branch())
    assert found == places(program, Branch())
    assert len(found) == len(set(found))
    assert found == sorted(found, key=step_number)


class ActivityMachine(RuleBasedStateMachine):
    """Branches that fork, wait, go on and end, beside a plain count of those that have something to do."""

    def __init__(self) -> None:
        super().__init__()
        self.activity = Activity()
        self.ready = [0]
        self.blocked: list[int] = []
        self.parents: dict[int, tuple[int, list[int]]] = {}
        self.next = 1

    @precondition(lambda self: self.ready)
    @rule(data=st.data(), count=st.integers(1, 4))
    def fork(self, data: st.DataObject, count: int) -> None:
        parent = data.draw(st.sampled_from(self.ready))
        self.ready.remove(parent)
        group = list(range(self.next, self.next + count))
        self.next += count
        left = list(group)
        for one in group:
            self.parents[one] = (parent, left)
        self.ready += group
        self.activity.fork(count)

    @precondition(lambda self: any(one for one in self.ready))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from([one for one in self.ready if one]))
        parent, left = self.parents[one]
        self.ready.remove(one)
        left.remove(one)
        if not left:
            self.ready.append(parent)
        self.activity.join(last=not left)

    @precondition(lambda self: self.ready)
    @rule(data=st.data())
    def block(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.ready))
        self.ready.remove(one)
        self.blocked.append(one)
        self.activity.block()

    @precondition(lambda self: self.blocked)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.blocked))
        self.blocked.remove(one)
        self.ready.append(one)
        self.activity.resume()

    @invariant()
    def it_is_idle_when_nobody_has_anything_to_do(self) -> None:
        assert self.activity.active == len(self.ready)
        assert self.activity.idle == (not self.ready)


TestActivity = ActivityMachine.TestCase


@st.composite
def heads(draw: st.DrawFn) -> StepHead:
    status = draw(st.sampled_from(list(StepStatus)))
    ok = ENDED.get(status, draw(st.sampled_from([True, False, None])) if status is not StepStatus.RUNNING else None)
    owes = draw(st.integers(0, 1)) if status is not StepStatus.COMPENSATED else 0
    return StepHead(
        status=status, name="s", type=StepType.STEP, ok=ok, owes=owes, undo=draw(st.sampled_from(["", "u"])),
        order=draw(st.integers(1, 1_000)) if ok is not None else 0,
    )  # fmt: skip


@given(st.lists(heads(), max_size=20))
def test_what_is_owed_is_undone_the_last_first_and_the_unknown_before(found: list[StepHead]) -> None:
    fields = [part for number, head in enumerate(found, 1) for part in (str(number), encode_head(head).decode())]
    due = Journal(fields).to_undo()
    owed = {str(number) for number, head in enumerate(found, 1) if head.owes and head.undo}
    assert {row.path for row in due} == owed
    unknown = [row.head.ok is None for row in due]
    assert unknown == sorted(unknown, reverse=True)
    orders = [row.head.order for row in due if row.head.ok is not None]
    assert orders == sorted(orders, reverse=True)


def test_a_journal_tells_what_it_knows() -> None:
    head = StepHead(status=StepStatus.FAILED, name="pay", type=StepType.CALL, ok=False)
    text = msgspec.json.encode(problem("rejected", "no")).decode()
    journal = Journal(
        ["1", encode_head(head).decode(), "1:in", "{}", "1:out", text, "signal:go:1", "5", "signals:go", "1"]
    )
    row = journal.find("1", "pay", StepType.CALL)
    assert row is not None
    assert (row.input, row.problem.code, row.result) == ("{}", "rejected", "null")
    assert journal.find("2", "pay", StepType.CALL) is None
    assert (journal.signal("go", 1), journal.signal("go", 2)) == ("5", "")
    assert not journal.undone


@pytest.mark.parametrize(("name", "type_"), [("pay", StepType.STEP), ("play", StepType.CALL)])
def test_another_step_in_a_place_is_told_with_what_was_there(name: str, type_: StepType) -> None:
    head = StepHead(status=StepStatus.RUNNING, name="pay", type=StepType.CALL)
    with pytest.raises(
        DivergedError, match=f"step 1 is call 'pay' in the journal, but the code asked for {type_} '{name}'"
    ):
        Journal(["1", encode_head(head).decode()]).find("1", name, type_)


def test_keys_and_ids_are_the_same_in_every_run_and_new_when_they_must_be() -> None:
    assert step_key("p.x", "1", 0) == "p.x/1"
    assert step_key("p.x", "1", 2) == "p.x/1~2"
    ids = {child_id("p.x", path, replays) for path in ("1", "1u", "2") for replays in (0, 1)}
    assert len(ids) == 6
    assert all(parse_token(f"p.{one}") for one in ids)
    assert child_id("p.x", "1", 0) == child_id("p.x", "1", 0)


def test_a_timeline_is_in_the_order_of_the_program() -> None:
    def row(path: str, **fields: object) -> StepRow:
        head = StepHead(**{"status": StepStatus.RUNNING, "name": "s", "type": StepType.STEP, "began": 1, **fields})  # type: ignore[arg-type]
        return StepRow(path, encode_head(head).decode(), "{}", "5")

    steps = timeline([row("10"), row("2.1.1"), row("2", ok=True, status=StepStatus.SUCCEEDED, ended=2)])
    assert [step.path for step in steps] == ["2", "2.1.1", "10"]
    assert msgspec.json.encode(steps[0]) == (
        b'{"path":"2","name":"s","type":"step","status":"succeeded","began":"1970-01-01T00:00:00.001Z",'
        b'"ended":"1970-01-01T00:00:00.002Z","input":{},"result":5}'
    )
    assert b"result" not in msgspec.json.encode(steps[1])


def test_errors_say_which_step_and_why() -> None:
    error = SignalTimeout("go", "3", problem("timeout", "it did not come"))
    assert isinstance(error, StepError)
    assert isinstance(error, TimeoutError)
    assert str(error) == "step 3 (go) failed: timeout: it did not come"


def ended(state: str, begun: int = 1, **refused: Any) -> ChildEnd:
    """Return what a parent is told of a child that ended so; `refused`: fields of its problem."""
    text = msgspec.json.encode(msgspec.structs.replace(problem("timeout", "no"), **refused)).decode() if refused else ""
    return child_end_of(BrokerEnded("", "p.x 1", "c", state, begun, 0, "", text), "q", "x", "1")


@pytest.mark.parametrize(
    ("told", "unknown"),
    [
        (ended("cancelled", begun=0), False),
        (ended("expired", begun=1), True),
        (ended("failed", code="rejected"), False),
        (ended("failed", code="timeout"), True),
        (ended("failed", code="worker_lost"), True),
        # Of a saga: it was a step of it that took too long; what it did it has undone, or has not.
        (ended("failed", code="timeout", errors=[{"path": "2"}]), False),
        (ended("failed", code="timeout", compensation="complete"), False),
        (ended("failed", code="cancelled", compensation="complete"), False),
        (ended("failed", code="rejected", compensation="incomplete"), True),
    ],
)
def test_a_child_may_have_done_its_work(told: ChildEnd, unknown: bool) -> None:
    assert (told.ok, bool(told.unknown)) == (0, unknown)


def test_what_a_child_says_of_its_undoing_is_not_its_parents() -> None:
    refused = msgspec.structs.replace(problem("rejected", "no"), compensation="complete")
    outcome = outcomes.step_failed(StepError("child", "1", refused))
    assert "compensation" not in msgspec.json.decode(outcome.value)
