"""The table of a step's status: each pair of statuses is written as the table says, or refused."""

import itertools

import pytest

from saga.stand_in import StandInHost, StandInStore, journal_client_of
from tidings.protocol.steps import StepHead, StepStatus, StepType, encode_head
from tidings_worker.saga.step_transitions import (
    INITIAL,
    TRANSITIONS,
    UNDO_BEGUN,
    UNDOABLE,
    IllegalStepTransitionError,
)

LEGAL = {
    "": "running failed",
    "running": "running succeeded failed compensating compensation_failed",
    "succeeded": "compensating compensation_failed",
    "failed": "compensating compensation_failed",
    "compensating": "compensating compensated compensation_failed",
    "compensation_failed": "compensating compensation_failed",
    "compensated": "",
}
"""Which statuses may follow each; the empty one: the journal does not have the step."""

PAIRS = [(before, after.value) for before, after in itertools.product(LEGAL, StepStatus)]


def head(status: str) -> StepHead:
    return StepHead(status=StepStatus(status), name="s", type=StepType.STEP)


@pytest.mark.parametrize(("before", "after"), PAIRS)
async def test_a_step_changes_its_status_only_as_the_table_says(before: str, after: str) -> None:
    store = StandInStore(*(("1", encode_head(head(before)).decode()) if before else ()))
    client = journal_client_of(StandInHost(fence=2), store)
    await client.load()
    if after in LEGAL[before].split():
        await client.write("1", head(after))
        assert [step.path for step in store.written] == ["1"]
    else:
        with pytest.raises(IllegalStepTransitionError, match=f"step 1 is .* and cannot become {after}"):
            await client.write("1", head(after))
        assert store.written == []


async def test_what_a_worker_writes_itself_counts_before_it_reads_the_journal_again() -> None:
    store = StandInStore()
    client = journal_client_of(StandInHost(), store)
    await client.write("1", head("running"))
    await client.write("1", head("succeeded"))
    with pytest.raises(IllegalStepTransitionError):
        client.put("1", head("running"))
    assert len(store.written) == 2


async def test_a_step_that_began_while_the_journal_was_read_can_end() -> None:
    store = StandInStore()  # holds no step: it answers the read as it was before the write
    client = journal_client_of(StandInHost(fence=2), store)
    await client.load()
    client.put("1", head("running"))
    await client.reload()
    await client.write("1", head("succeeded"))
    assert len(store.written) == 2


def test_every_status_can_be_reached_and_only_a_compensated_step_is_final() -> None:
    reached = set(INITIAL)
    while more := {after for status in reached for after in TRANSITIONS[status]} - reached:
        reached |= more
    assert reached == set(StepStatus) == set(TRANSITIONS)
    assert [status for status, after in TRANSITIONS.items() if not after] == [StepStatus.COMPENSATED]


def test_a_saga_undoes_a_step_in_every_status_but_the_final_one() -> None:
    assert set(StepStatus) - {StepStatus.COMPENSATED} == UNDOABLE
    assert set(StepStatus) - {StepStatus.RUNNING, StepStatus.SUCCEEDED, StepStatus.FAILED} == UNDO_BEGUN
