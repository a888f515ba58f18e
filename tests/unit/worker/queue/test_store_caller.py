"""A queue's calls to the store: made again until the store answers, and known to the grace of leases."""

from typing import cast

import pytest

from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.availability.store_errors import ScriptError, StoreClosedError, StoreError, StoreUnavailableError
from tidings_worker.queue import store_caller as module
from tidings_worker.queue.lease_grace import LeaseGrace
from tidings_worker.queue.store_caller import StoreCaller


class Store:
    """Fails a few times before it answers; remembers how often it was asked to join."""

    partition = "p"

    def __init__(self, *errors: StoreError) -> None:
        self.errors = list(errors)
        self.joined: list[list[str]] = []

    async def beat(self, number: int, *, option: int = 0) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return number + option

    async def join(self, streams: list[str]) -> None:
        self.joined.append(streams)
        if self.errors:
            raise StoreUnavailableError


class Grace:
    """Remembers which operations the store refused and took."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def refused(self, operation: str) -> None:
        self.seen.append(f"refused {operation}")

    def taken(self, operation: str) -> None:
        self.seen.append(f"taken {operation}")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []

    def no_delay(failures: int, longest_s: float) -> float:
        found.append((failures, longest_s))
        return 0.0

    monkeypatch.setattr(module, "store_retry_delay", no_delay)
    return found


def caller_of(store: Store) -> tuple[StoreCaller, Grace]:
    grace = Grace()
    return StoreCaller(cast("AttemptStore", store), ["fast"], cast("LeaseGrace", grace)), grace


async def test_an_answer_at_once_is_no_news() -> None:
    store = Store()
    caller, grace = caller_of(store)
    assert await caller.ask(store.beat, 1, option=2) == 3
    assert (grace.seen, store.joined) == ([], [])


async def test_a_store_that_is_away_or_interrupted_is_asked_again_and_the_grace_of_leases_knows(
    pauses: list[tuple[int, float]],
) -> None:
    store = Store(StoreUnavailableError(), StoreClosedError())
    caller, grace = caller_of(store)
    assert await caller.ask(store.beat, 1, longest_s=0.5) == 1
    assert grace.seen == ["refused beat", "refused beat", "taken beat"]
    assert pauses == [(1, 0.5), (2, 0.5)]
    assert store.joined == []


async def test_after_a_refusal_the_consumer_groups_are_created_again() -> None:
    store = Store(ScriptError("NOGROUP"), ScriptError("NOGROUP"))
    caller, _ = caller_of(store)
    assert await caller.ask(store.beat, 1) == 1
    assert store.joined == [["fast"], ["fast"]]


async def test_a_call_that_gives_up_raises_the_first_refusal_but_waits_for_a_store_that_is_away() -> None:
    refusal = ScriptError("ERR")
    store = Store(StoreUnavailableError(), refusal, StoreUnavailableError())
    caller, grace = caller_of(store)
    with pytest.raises(ScriptError) as raised:
        await caller.ask(store.beat, 1, give_up=True)
    assert raised.value is refusal
    assert grace.seen == ["refused beat", "refused beat"]
