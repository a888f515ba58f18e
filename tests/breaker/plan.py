"""What may happen to breakers, as data: steps that the model and the script in the store both take."""

from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from breaker.breaker_model import BreakerModel
from tidings.circuit.breaker_record import MAX_KEPT_FAILURES, BreakerSpec, BreakerView, CallFailure

NAMES = ("a", "b")
TRIALS = ("t1", "t2")


class Pass(NamedTuple):
    """So many ms go by: all that is due by then has come due."""

    ms: int


Move = tuple[Any, ...] | Pass

specs = st.sampled_from(
    [BreakerSpec(0.5, 1_000, 3, 0, 0.5, 2_000), BreakerSpec(1, 50_000, 1, 5, 0.25, 100), BreakerSpec(0.1, 400, 10)]
)
notes = st.lists(st.tuples(st.just("k"), st.just("w"), st.text("xy", max_size=3)), max_size=MAX_KEPT_FAILURES + 2)


@st.composite
def reports(draw: st.DrawFn) -> Move:
    calls = draw(st.integers(1, 12))
    counts = [draw(st.integers(0, calls)) for _ in range(2)]
    return ("report", draw(st.sampled_from(NAMES)), draw(specs), draw(st.integers(-1, 1)), calls, *counts, draw(notes))


def with_name(verb: str, *rest: st.SearchStrategy[Any]) -> st.SearchStrategy[Move]:
    return st.tuples(st.just(verb), st.sampled_from(NAMES), *rest)


trials = st.sampled_from(TRIALS)
leases = st.sampled_from([1, 500, 5_000])
times = st.sampled_from([0, 300, 60_000])
results = st.sampled_from(["ok", "failures", "slow", "void"])

moves = st.one_of(
    st.builds(Pass, st.sampled_from([1, 39, 100, 399, 1_000, 2_000, 5_000, 60_000])),
    reports(),
    reports(),
    with_name("enter", trials, leases),
    with_name("enter", trials, leases),
    with_name("renew", trials, leases),
    with_name("leave", specs, trials, results, notes),
    with_name("leave", specs, trials, results, notes),
    with_name("open", times),
    with_name("close", times),
    with_name("reset"),
    with_name("look"),
)


def grounded(move: tuple[Any, ...], machine: BreakerModel) -> tuple[Any, ...]:
    """Return a step with the epoch it names: a report's is relative to that of its breaker."""
    if move[0] != "report":
        return move
    return (*move[:3], machine.epoch + move[3], *move[4:])


def take(machine: BreakerModel, now: int, step: tuple[Any, ...]) -> tuple[str, BreakerView]:
    """Have the model take a step; return the answer."""
    verb, name, *rest = step
    answer = "ok"
    match verb:
        case "report":
            spec, epoch, calls, failures, slow, told = rest
            answer = machine.report(now, epoch, calls, failures, slow, spec, noted(now, told))
        case "leave":
            spec, trial, result, told = rest
            answer = machine.leave(now, trial, result, spec, noted(now, told))
        case "look":
            pass
        case _:
            answer = getattr(machine, verb)(now, *rest)
    return answer, machine.view(name, now)


def noted(now: int, told: list[tuple[str, str, str]]) -> list[CallFailure]:
    return [CallFailure(now, *one) for one in told]


def earlier(machine: BreakerModel, ms: int) -> BreakerModel:
    """Return a machine as it would be had everything happened so much earlier."""
    moved = msgspec.structs.replace(machine, slices=[], notes=[])
    for name in ("since", "until", "trial_until", "hold_until"):
        if getattr(moved, name) > 0:
            setattr(moved, name, max(getattr(moved, name) - ms, 1))
    moved.slices = [msgspec.structs.replace(one, start=one.start - ms) for one in machine.slices]
    moved.notes = [msgspec.structs.replace(one, at=one.at - ms) for one in machine.notes]
    return moved
