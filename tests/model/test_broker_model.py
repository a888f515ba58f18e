"""The scripts on a real store beside a plain model of the states of a job.

Hypothesis makes up what servers, workers and operators do, in any order (broker_rules.py): submits with and without
keys, starts, reports under fences that are right or stale, cancels, take-overs, promotions, and what attempts say in
streams (stream_rules.py). After every step the store must say what the model says.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from model.broker_rules import DEADLINES, ENVELOPE, FLOW, LINE, PARTITION, READY, SCHEDULED
from model.stream_rules import StreamRules
from support.store import StoreProcess
from tidings.protocol.states import TERMINAL, State
from tidings.protocol.tokens import Token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command


class BrokerMachine(StreamRules):
    """The rules, and what must hold after each."""

    @invariant()
    def all_that_must_hold_does(self) -> None:
        self.run(self._look)

    async def _look(self) -> None:
        """Check it in one visit to the event loop's thread: each visit costs more than a question to the store."""
        await self.store_and_model_agree()
        await self.every_failed_job_has_its_letter_and_no_other_has()
        await self.what_callers_have_is_counted()
        await self.the_deadlines_of_live_jobs_are_known_and_no_others()
        await self.a_unique_value_is_held_by_its_live_job_or_free()
        await self.every_live_job_is_in_exactly_one_place()
        await self.what_stands_aside_is_counted()
        await self.settle()
        self.watchers_hear_every_number_once_and_in_order()

    async def store_and_model_agree(self) -> None:
        for id_, model in self.model.items():
            record = await self.gateway.read(Token(PARTITION, id_))
            assert record.state == model.state
            assert (record.seq, record.attempt) == (model.seq, model.attempt)
            assert [chunk for _, _, chunk in record.chunks] == model.log
            ended = record.finished is not None
            assert ended == (model.state in TERMINAL)
            expiry = await command(self.store, "TTL", StoreKeys().job(PARTITION, id_))
            assert (expiry > 0) == ended

    async def every_failed_job_has_its_letter_and_no_other_has(self) -> None:
        letters = [letter async for letter in self.dead.scan()]
        failed = [
            str(Token(PARTITION, id_))
            for id_, model in self.model.items()
            if model.state is State.FAILED and not model.vanished
        ]
        assert sorted(letter.token for letter in letters) == sorted(failed)

    async def what_callers_have_is_counted(self) -> None:
        found = await command(self.store, "HGETALL", StoreKeys().callers(PARTITION))
        counts = {name.decode(): int(count) for name, count in found.items()}
        assert counts == {caller: self.live(caller) for caller in ("c1", "c2") if self.live(caller)}
        found = await command(self.store, "HGETALL", StoreKeys().caller_bytes(PARTITION))
        assert {name.decode(): int(size) for name, size in found.items()} == {
            caller: count * len(ENVELOPE) for caller, count in counts.items()
        }

    async def the_deadlines_of_live_jobs_are_known_and_no_others(self) -> None:
        found = await command(self.store, "ZRANGE", DEADLINES, 0, -1)
        live = {id_ for id_, model in self.model.items() if model.deadline and model.state not in TERMINAL}
        assert {job.decode() for job in found} == live

    async def a_unique_value_is_held_by_its_live_job_or_free(self) -> None:
        found = await command(self.store, "GET", StoreKeys().unique(PARTITION, "k:u"))
        assert (found.decode() if found else None) == self.holder("k:u")

    async def every_live_job_is_in_exactly_one_place(self) -> None:
        entries = [
            one for key in (READY, f"{READY}/kind") for one in await command(self.store, "XRANGE", key, "-", "+")
        ]
        ready = [fields[b"id"].decode() for _, fields in entries]
        scheduled = [job.decode() for job in await command(self.store, "ZRANGE", SCHEDULED, 0, -1)]
        in_line = [job.decode() for job in await command(self.store, "ZRANGE", LINE, 0, -1)]
        places = sorted(ready + scheduled + in_line)
        live = sorted(id_ for id_, model in self.model.items() if model.state not in TERMINAL)
        assert places == live

    async def what_stands_aside_is_counted(self) -> None:
        found = await command(self.store, "HGET", FLOW, "aside")
        assert int(found or 0) == sum(model.aside for model in self.model.values())

    def watchers_hear_every_number_once_and_in_order(self) -> None:
        for model in self.model.values():
            assert model.heard == list(range(2, model.seq + 1))

    def check(self) -> None:
        """Check all that must hold, in a test that calls the rules itself."""
        for one in self.invariants:
            one.function(self)


@pytest.mark.timeout(300)
def test_scripts_and_model_agree(store_process: StoreProcess) -> None:
    BrokerMachine.url = store_process.url
    run_state_machine_as_test(
        BrokerMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


@pytest.fixture
def machine(store_process: StoreProcess) -> Iterator[BrokerMachine]:
    BrokerMachine.url = store_process.url
    machine = BrokerMachine()
    yield machine
    machine.teardown()


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_job_that_its_worker_does_not_serve_is_queued_and_comes_out_of_its_line(
    machine: BrokerMachine, is_begun: bool
) -> None:
    job = str(machine.submit("", "x", 0, "c1", "k:u", 3_600_000))
    if is_begun:
        machine.report(machine.take_and_start("w1"), 1, [], State.QUEUED, aside=True)
    else:
        machine.take_and_put_into_line("w1", is_idle=False)
    machine.check()
    assert machine.take_and_start("w1") is None
    machine.everything_scheduled_becomes_due()
    machine.check()
    assert machine.take_out_of_line("w2") is not None
    machine.check()
    assert machine.model[job].attempt == 1


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_a_job_that_stands_aside_can_end_there(machine: BrokerMachine, end: str) -> None:
    job = str(machine.submit("", "x", 0, "c1", "k:u", 3_600_000))
    machine.report(machine.take_and_start("w1"), 1, [], State.QUEUED, aside=True)
    machine.delete_its_entry(job)  # it has none: the sweep leaves it where it is
    machine.check()
    machine.cancel(job) if end == "cancel" else machine.every_deadline_passes_of_what_waits()
    machine.check()
    assert machine.model[job].state in TERMINAL
