"""What happens in a world is what happens in real time: generated programs tell the same story in both.

The times are short, so that they can be waited for. What is compared of each job: its events in their order, among them
each attempt and each step, and its result or problem. Moments at which two things would happen at once are avoided: in
real time their order is chance.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.timeouts import scaled
from support.waiting import until_async
from testing import oracle_kinds
from tidings import Client, ProblemError, SubmitOptions
from tidings.client import Event
from tidings.testing import TestServer, World, WorldJob

UNIT_S = 0.5
"""What programs do happens at multiples of this after their start; what is done to them, at halves between."""

EXAMPLES = int(os.environ.get("TIDINGS_TEST_WORLD_EXAMPLES", "1"))
"""How many batches are played: each takes as long as its longest program. `make soak-worlds` plays more."""

BATCH = 12
"""Programs that are played beside each other."""

FURTHEST_S = 300.0

STRETCHES = (1.0, 3.0, 9.0)
"""How often a program that tells two stories is played at the most, and by how much it is stretched each time: on a
busy machine things are late, and then happen in another order. What a world tells wrongly differs each time."""


@dataclass(frozen=True)
class Plan:
    """One job, and what is done to it."""

    kind: str
    input: dict[str, Any]
    delay: float | None = None
    deadline: float | None = None
    signals: tuple[tuple[float, int], ...] = ()
    """Seconds after the submit, and the value."""
    cancel: float | None = None
    """Seconds after the submit."""


def units(least: int, most: int) -> st.SearchStrategy[float]:
    return st.integers(least, most).map(lambda number: number * UNIT_S)


step = st.tuples(st.just("step"), st.integers(0, 9))
sleep = st.tuples(st.just("sleep"), units(1, 4))
signal = st.tuples(st.just("signal"), st.just("go"), units(2, 4))
call = st.tuples(st.just("call"), units(1, 3), st.booleans())
both = st.tuples(st.just("both"), step, st.one_of(sleep, call))
end_badly = st.just(("reject",))
operation = st.one_of(step, sleep, signal, call, both)
program = st.builds(
    lambda body, tail: [*body, *tail], st.lists(operation, min_size=1, max_size=4), st.lists(end_badly, max_size=1)
)


@st.composite
def sagas(draw: st.DrawFn) -> Plan:
    """Return a saga, and what is done to it, no two things at one moment."""
    moments = draw(st.permutations([(number + 0.5) * UNIT_S for number in range(7)]))
    steps = draw(program)
    # A child has its saga's deadline: both would end at one moment, and which is first is chance.
    has_child = "call" in repr(steps)
    values = draw(st.lists(st.integers(0, 9), max_size=2))
    return Plan(
        "saga",
        {"program": steps},
        delay=draw(st.none() | units(1, 2)),
        deadline=None if has_child else draw(st.sampled_from([None, moments[0]])),
        signals=tuple(sorted(zip(moments[1:], values, strict=False))),
        cancel=draw(st.sampled_from([None, None, moments[4]])),
    )


retried = st.builds(
    Plan,
    kind=st.just("attempts"),
    input=st.fixed_dictionaries({"failures": st.integers(0, 4), "after": st.none() | units(1, 2)}),
)
limited = st.builds(Plan, kind=st.just("limited"), input=st.fixed_dictionaries({"seconds": units(1, 4)}))
batches = st.lists(st.one_of(sagas(), sagas(), sagas(), retried, limited), min_size=BATCH, max_size=BATCH)

Story = list[Any]


def told(events: Iterable[Event]) -> Story:
    """Return what the events of a job tell, without what differs each time: tokens and times."""
    return [_told(event) for event in events]


def _told(event: Event) -> Any:
    match event.name:
        case "step":
            data = event.data
            return ("step", data["path"], data["name"], data["status"])
        case "started" | "retrying":
            problem = event.data.get("problem") or {}
            return (event.name, event.data.get("attempt"), problem.get("code"))
        case "failed":
            problem = event.data["problem"]
            return ("failed", problem["code"], problem["detail"], problem.get("compensation"))
        case "succeeded":
            return ("succeeded", event.data["result"])
    return event.name


# In a world.


async def in_a_world(plans: list[Plan]) -> list[Story]:
    """Play the plans in a world, and return the story of each."""
    async with World(oracle_kinds) as world:
        jobs: list[WorldJob[Any]] = []
        acts = []
        for number, plan in enumerate(plans):
            began = world.now
            jobs.append(await world.submit(plan.kind, plan.input, options=options_of(plan)))
            acts += [(began + timedelta(seconds=after), number, act) for after, act in acts_of(plan)]
        for moment, number, act in sorted(acts, key=lambda one: one[:2]):
            await world.advance(max((moment - world.now).total_seconds(), 0.0))
            with suppress(ProblemError):  # the job has ended, or undoes what it did
                await (jobs[number].cancel() if act is None else jobs[number].signal("go", act))
        await world.advance_until(lambda: all(job.ended for job in jobs), within=FURTHEST_S)
        return [told(job.events) for job in jobs]


def acts_of(plan: Plan) -> list[tuple[float, int | None]]:
    """Return what is done to a job: when, and the value of a signal, or None to cancel it."""
    acts: list[tuple[float, int | None]] = list(plan.signals)
    return acts if plan.cancel is None else [*acts, (plan.cancel, None)]


def options_of(plan: Plan) -> SubmitOptions:
    return SubmitOptions(delay=plan.delay, deadline=plan.deadline)


# In real time.


async def in_real_time(client: Client, plans: list[Plan]) -> list[Story]:
    """Play the plans on a real server, and return the story of each."""
    return list(await asyncio.gather(*(_in_real_time(client, plan) for plan in plans)))


async def _in_real_time(client: Client, plan: Plan) -> Story:
    handle = await client.submit(plan.kind, plan.input, options=options_of(plan))
    began, clock = asyncio.get_running_loop().time(), asyncio.get_running_loop().time

    async def act() -> None:
        for after, value in sorted(acts_of(plan), key=lambda one: one[0]):
            await asyncio.sleep(began + after - clock())
            with suppress(ProblemError):
                await (handle.cancel() if value is None else handle.signal("go", value))

    acting = asyncio.create_task(act())
    async with asyncio.timeout(scaled(FURTHEST_S)):
        events = [event async for event in handle]
    acting.cancel()
    await asyncio.wait({acting})
    return told(events)


@pytest.mark.timeout(240 * EXAMPLES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 1,
    phases=[Phase.generate],  # to shrink one that fails would take hours
    suppress_health_check=list(HealthCheck),
)
@given(plans=batches)
def test_programs_tell_the_same_story_in_a_world_and_in_real_time(plans: list[Plan]) -> None:
    differing, found = plans, list[tuple[Plan, Story, Story]]()
    for factor in STRETCHES:
        stretched = [stretch(plan, factor) for plan in differing]
        stories, real = asyncio.run(in_a_world(stretched)), asyncio.run(on_a_server(stretched))
        found = [one for one in zip(differing, stories, real, strict=True) if one[1] != one[2]]
        if not found:
            return
        differing = [plan for plan, _, _ in found]
    plan, story, wanted = found[0]
    assert story == wanted, plan


def stretch(plan: Plan, factor: float) -> Plan:
    """Return a plan whose times are so many times as long."""
    return Plan(plan.kind, *(_longer(part, factor) for part in astuple(plan)[1:]))


def _longer(value: Any, factor: float) -> Any:
    match value:
        case float():
            return value * factor
        case dict():
            return {name: _longer(part, factor) for name, part in value.items()}
        case list() | tuple():
            return type(value)(_longer(part, factor) for part in value)
    return value


async def on_a_server(plans: list[Plan]) -> list[Story]:
    with TestServer(oracle_kinds) as server:
        async with Client(server.url) as client:
            return await in_real_time(client, plans)


def test_a_job_recurs_at_the_same_ticks() -> None:
    async def in_world() -> list[str]:
        oracle_kinds.ticks.clear()
        async with World(oracle_kinds) as world:
            await world.advance(4)
        return list(oracle_kinds.ticks)

    async def real() -> list[str]:
        oracle_kinds.ticks.clear()
        with TestServer(oracle_kinds):
            await until_async(lambda: len(oracle_kinds.ticks) >= 4, seconds=20)
        return list(oracle_kinds.ticks)

    for ticks in (asyncio.run(in_world()), asyncio.run(real())):
        moments = [datetime.fromisoformat(tick.removeprefix("tick:")) for tick in ticks[:4]]
        assert [moment.microsecond for moment in moments] == [0] * 4
        assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(seconds=1)}
