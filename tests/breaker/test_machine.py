"""The breaker's states: what the model promises, and that the script in the store does the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from breaker.breaker_model import WINDOW_SLICES, BreakerModel
from breaker.plan import NAMES, Move, Pass, earlier, grounded, moves, take
from tidings.circuit.breaker_record import BreakerRecord, BreakerSpec, BreakerState
from tidings.store.breaker_store import BreakerStore, CallReport, OperationReply, merge_reports
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

SPEC = BreakerSpec(failure_rate=0.5, window_ms=10_000, min_calls=4, slow_ms=100, slow_rate=0.75, open_ms=1_000)
NOW = 1_000_000


def report(machine: BreakerModel, now: int, calls: int, failures: int = 0, slow: int = 0) -> None:
    machine.report(now, machine.epoch, calls, failures, slow, SPEC, [])


def opened() -> BreakerModel:
    machine = BreakerModel()
    report(machine, NOW, 4, 4)
    return machine


@pytest.mark.parametrize(
    ("calls", "failures", "slow", "state"),
    [
        (3, 3, 0, "closed"),  # fewer than min_calls
        (4, 1, 0, "closed"),
        (4, 2, 0, "open"),  # 2 ≥ 0.5 · 4
        (8, 3, 5, "closed"),  # 3 < 4 and 5 < 0.75 · 8 = 6
        (8, 0, 6, "open"),
    ],
)
def test_it_opens_at_its_rates_and_not_below(calls: int, failures: int, slow: int, state: str) -> None:
    machine = BreakerModel()
    report(machine, NOW, calls, failures, slow)
    assert machine.state == state


def test_what_lies_before_the_window_counts_no_more() -> None:
    machine = BreakerModel()
    report(machine, NOW, 3, 3)
    report(machine, NOW + 10_000, 1, 1)
    assert (machine.state, machine.totals) == ("closed", (1, 1, 0))
    report(machine, NOW + 10_001, 3, 1)
    assert machine.state == "open"


def test_a_call_that_began_before_it_opened_does_not_count_after_it_closed() -> None:
    machine = opened()
    late = machine.epoch - 1
    assert machine.enter(NOW + 1_000, "t", 500) == "trial"
    assert machine.leave(NOW + 1_001, "t", "ok", SPEC, []) == "ok"
    assert machine.report(NOW + 1_002, late, 9, 9, 9, SPEC, []) == "stale"
    assert (machine.state, machine.totals) == ("closed", (0, 0, 0))


def test_one_tries_and_only_when_its_time_has_come() -> None:
    machine = opened()
    assert machine.enter(NOW + 999, "t", 500) == "refused"
    assert machine.enter(NOW + 1_000, "t", 500) == "trial"
    assert machine.enter(NOW + 1_001, "u", 500) == "refused"
    assert machine.enter(NOW + 1_001, "t", 500) == "trial"  # asked again, as the answer was lost
    assert machine.view("x", NOW + 1_001).wait_ms == 500


def test_a_trial_whose_worker_says_nothing_gives_way_and_counts_no_more() -> None:
    machine = opened()
    machine.enter(NOW + 1_000, "t", 500)
    assert machine.renew(NOW + 1_400, "t", 500) == "ok"
    assert machine.enter(NOW + 1_899, "u", 500) == "refused"
    assert machine.enter(NOW + 1_900, "u", 500) == "trial"
    assert machine.renew(NOW + 1_901, "t", 500) == "stale"
    assert machine.leave(NOW + 1_902, "t", "ok", SPEC, []) == "stale"
    assert machine.state == "half_open"


@pytest.mark.parametrize(("result", "state"), [("ok", "closed"), ("failures", "open"), ("slow", "open")])
def test_the_trial_decides(result: str, state: str) -> None:
    machine = opened()
    machine.enter(NOW + 1_000, "t", 500)
    machine.leave(NOW + 1_100, "t", result, SPEC, [])
    assert machine.state == state
    assert machine.wait_ms(NOW + 1_100) == (0 if state == "closed" else 1_000)


def test_a_trial_that_says_nothing_of_the_service_lets_another_try_at_once() -> None:
    machine = opened()
    machine.enter(NOW + 1_000, "t", 500)
    machine.leave(NOW + 1_100, "t", "void", SPEC, [])
    assert machine.enter(NOW + 1_100, "u", 500) == "trial"


def test_what_an_operator_opens_stays_open_until_it_is_closed_or_its_time_is_over() -> None:
    machine = BreakerModel()
    machine.open(NOW, 0)
    assert machine.enter(NOW * 1_000, "t", 500) == "refused"
    assert machine.wait_ms(NOW) == -1
    machine.close(NOW, 0)
    assert machine.enter(NOW, "t", 500) == "closed"
    machine.open(NOW, 600)
    assert machine.enter(NOW + 600, "t", 500) == "trial"


def test_what_an_operator_holds_closed_counts_and_does_not_open() -> None:
    machine = BreakerModel()
    machine.close(NOW, 600)
    report(machine, NOW + 1, 8, 8)
    assert (machine.state, machine.totals) == ("closed", (8, 8, 0))
    report(machine, NOW + 600, 1, 1)
    assert machine.state == "open"


def run(plan: list[Move]) -> list[tuple[int, tuple[Any, ...], str, BreakerModel]]:
    """Have one pure machine take all steps; return the time, the step, its answer, and what it is then."""
    machine, now, passed = BreakerModel(), NOW, []
    for move in plan:
        if isinstance(move, Pass):
            now += move.ms
            continue
        step = grounded(move, machine)
        answer, _ = take(machine, now, step)
        passed.append((now, step, answer, msgspec.convert(msgspec.to_builtins(machine), BreakerModel)))
    return passed


@given(st.lists(moves, max_size=60))
def test_whatever_happens_the_rules_hold(plan: list[Move]) -> None:
    before, changed_at = BreakerModel(), NOW
    for now, step, answer, after in run(plan):
        assert after.epoch >= before.epoch
        if after.state is not before.state:
            assert after.epoch > before.epoch
            changed_at = now
        assert len(after.slices) <= WINDOW_SLICES
        assert after.state is BreakerState.CLOSED or not after.slices
        assert after.state is BreakerState.HALF_OPEN or not after.trial
        if answer in ("stale", "refused"):
            assert after == before
        if answer == "trial" and before.trial and before.trial != step[2]:
            assert before.trial_until <= now  # there is one at a time
        if (before.state, after.state) == (BreakerState.OPEN, BreakerState.HALF_OPEN):
            assert 0 < before.until <= now
        if (before.state, after.state) == (BreakerState.OPEN, BreakerState.CLOSED):
            assert step[0] in ("close", "reset")
        assert after.since in (0, changed_at) or after.reason == "operator" or step[0] == "leave"
        before = after


TRIED: list[Move] = [("open", "a", 300), Pass(399), ("enter", "a", "t1", 5_000)]
"""A breaker that is half-open, and who tries."""


@example(plan=[*TRIED, ("leave", "a", SPEC, "t2", "ok", [])])
@example(plan=[*TRIED, ("renew", "a", "t2", 500), Pass(2_000), ("enter", "a", "t2", 500)])
@example(plan=[*TRIED, Pass(5_000), ("enter", "a", "t2", 500), ("leave", "a", SPEC, "t1", "failures", [])])
@example(plan=[*TRIED, ("leave", "a", SPEC, "t1", "void", []), ("enter", "a", "t2", 500)])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(plan=st.lists(moves, max_size=40))
async def test_the_store_does_what_the_machine_does(store: Redis, plan: list[Move]) -> None:
    keys = StoreKeys()
    await store.flushall()
    breakers = BreakerStore(store, keys)
    machines = {name: BreakerModel() for name in NAMES}
    for move in plan:
        if isinstance(move, Pass):
            for name in NAMES:
                machines[name] = earlier(machines[name], move.ms)
                if await command(store, "EXISTS", keys.breaker(name)):
                    await command(store, "SET", keys.breaker(name), msgspec.msgpack.encode(machines[name]))
            continue
        name = move[1]
        step = grounded(move, machines[name])
        steps = await breakers.step(step)
        state = machines[name].state
        # The machine is told the time that the store had: that of two clocks is nobody's business.
        (told,) = steps.answers
        assert isinstance(told, OperationReply)
        assert (told.answer, told.view) == take(machines[name], steps.now_ms, step)
        changed = state is not machines[name].state
        assert [(one.before, one.state) for one in steps.changes] == [(state, machines[name].state)] * changed
    shown = {one.name: one.machine for one in await breakers.shown()}
    for name, machine in machines.items():
        assert shown.get(name, BreakerRecord()) == machine.record


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.booleans(), st.booleans(), st.booleans())))
def test_reports_that_are_gathered_say_the_same_in_fewer(told: list[tuple[str, int, bool, bool, bool]]) -> None:
    items = [
        CallReport(name, SPEC, epoch, 1, failed, slow) if call else ("look", name)
        for name, epoch, failed, slow, call in told
    ]
    merged, numbers = merge_reports(items)
    assert len(numbers) == len(items)
    for number, item in zip(numbers, items, strict=True):
        verb, name = ("report", item.name) if isinstance(item, CallReport) else item
        assert merged[number][:2] == (verb, name)
    for name in "ab":
        reports = [one for one in items if isinstance(one, CallReport) and one.name == name]
        steps = [one for one in merged if one[:2] == ("report", name)]
        assert sum(one[4] for one in steps) == len(reports)
        assert sum(one[5] for one in steps) == sum(one.failures for one in reports)
        assert sum(one[6] for one in steps) == sum(one.slow for one in reports)
        # A look between two reports parts them, as does another epoch.
        epochs = [one[3] for one in merged if one[0] == "report" and one[1] == name]
        assert len(epochs) <= len(reports)
