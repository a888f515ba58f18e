"""The plan: the same seed makes the same, and no target meets two faults at a time."""

import pytest

from faults.plan import TARGETS, Fault, make_plan
from tidings_cli.lab.proxy import LinkMode


def test_a_seed_makes_one_plan() -> None:
    assert make_plan(7, 60) == make_plan(7, 60)
    assert make_plan(7, 60) != make_plan(8, 60)


def test_a_long_plan_holds_every_fault_every_target_and_every_way() -> None:
    plan = make_plan(1, 2_000)
    assert {(step.fault, step.target) for step in plan} == {
        (fault, target) for fault, targets in TARGETS.items() for target in targets
    }
    assert {step.way for step in plan} == set(LinkMode)


@pytest.mark.parametrize("seed", range(20))
def test_a_process_meets_one_fault_at_a_time(seed: int) -> None:
    until: dict[str, float] = {}
    for step in make_plan(seed, 300):
        if not step.fault.startswith("network"):
            assert step.at_s >= until.get(step.target, 0)
            until[step.target] = step.at_s + step.lasts_s


def test_only_what_is_asked_for_happens() -> None:
    assert {step.fault for step in make_plan(3, 100, [Fault.PAUSE_STORE])} == {Fault.PAUSE_STORE}
    assert all(step.at_s < 100 for step in make_plan(3, 100))
