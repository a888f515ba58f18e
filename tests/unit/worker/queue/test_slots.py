"""The allocator of slots: no tier starves, each has its share, and what nobody may have is all that is idle."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_worker.queue.slots import PooledSlots, SharedSlots
from tidings_worker.settings import shares_of

SHARES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(
    lambda slots: {f"t{place}": owned for place, owned in enumerate(slots)}
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Shares, and jobs that begin where there is room and end in any order."""
    shares = draw(SHARES)
    steps = st.tuples(st.sampled_from(["begin", "end"]), st.sampled_from(list(shares)))
    return shares, draw(st.lists(steps, max_size=80))


def after(shares: dict[str, int], steps: list[tuple[str, str]]) -> tuple[SharedSlots, Counter[str]]:
    """Return the slots and what runs after a history; nothing begins without room."""
    slots, running = SharedSlots(shares), Counter[str]()
    for what, tier in steps:
        if what == "begin" and slots.room(tier):
            slots.begin(tier)
            running[tier] += 1
        elif what == "end" and running[tier]:
            slots.end(tier)
            running[tier] -= 1
    return slots, running


def lent(slots: SharedSlots, owner: str, borrower: str) -> int:
    """Return how many slots of `owner` jobs of `borrower` have."""
    return slots._loans[owner, borrower]


def busy(slots: SharedSlots, tier: str) -> int:
    """Return how many jobs of a tier the slots count."""
    return slots._own[tier] + slots._beyond[tier] + sum(lent(slots, owner, tier) for owner in slots._shares)


@given(histories())
def test_there_are_never_more_jobs_than_slots(history: tuple[dict[str, int], list[tuple[str, str]]]) -> None:
    shares, steps = history
    slots, running = after(shares, steps)
    assert running.total() <= sum(shares.values())
    assert all(busy(slots, tier) == running[tier] for tier in shares)


@given(histories())
def test_a_tier_of_which_nothing_runs_may_always_begin(history: tuple[dict[str, int], list[tuple[str, str]]]) -> None:
    slots, running = after(*history)
    assert all(slots.room(tier) for tier in history[0] if not running[tier])


@given(histories())
def test_slower_tiers_never_hold_more_than_half_of_what_a_tier_owns(
    history: tuple[dict[str, int], list[tuple[str, str]]],
) -> None:
    shares, steps = history
    slots, _ = after(shares, steps)
    for place, tier in enumerate(shares):
        faster = sum(lent(slots, tier, other) for other in list(shares)[:place])
        slower = sum(lent(slots, tier, other) for other in list(shares)[place + 1 :])
        assert slower <= shares[tier] // 2
        assert faster + slower < shares[tier]


@given(histories())
def test_a_tier_has_its_whole_share_when_those_that_borrowed_have_ended(
    history: tuple[dict[str, int], list[tuple[str, str]]],
) -> None:
    shares, steps = history
    slots, _ = after(shares, steps)
    tier = next(iter(shares))
    for other in list(shares)[1:]:
        for _ in range(sum(lent(slots, owner, other) for owner in shares)):
            slots.end(other)  # what it borrowed goes back first
    assert slots.room(tier) + busy(slots, tier) >= shares[tier]


@given(histories())
def test_a_slot_is_idle_only_where_a_rule_keeps_it(history: tuple[dict[str, int], list[tuple[str, str]]]) -> None:
    shares, steps = history
    slots, _ = after(shares, steps)
    for tier in shares:
        while slots.room(tier):
            slots.begin(tier)
    # Everybody wants more, and nobody may: then no slot is free at all.
    assert sum(busy(slots, tier) for tier in shares) == sum(shares.values())


def test_a_saturated_heavy_tier_leaves_the_fast_one_half_of_its_slots_and_a_free_one() -> None:
    slots = SharedSlots({"fast": 8, "standard": 4, "heavy": 1})
    while slots.room("heavy"):
        slots.begin("heavy")
    assert busy(slots, "heavy") == 1 + 4 + 2  # its own, half of fast's, half of standard's
    assert slots.room("fast") == 4 + 1  # its own, and one of standard's two
    for _ in range(4):
        slots.end("heavy")
    assert slots.room("fast") == 8 + 1  # what was borrowed went back to the fastest first


def test_a_flood_of_fast_jobs_leaves_every_other_tier_a_slot() -> None:
    slots = SharedSlots({"fast": 8, "standard": 4, "heavy": 2})
    while slots.room("fast"):
        slots.begin("fast")
    assert busy(slots, "fast") == 8 + 3 + 1
    assert (slots.room("standard"), slots.room("heavy")) == (1, 1)


def test_a_job_beyond_the_slots_is_counted_and_makes_the_next_wait() -> None:
    slots = SharedSlots({"a": 1})
    slots.begin("a")
    slots.begin("a")
    slots.end("a")
    assert slots.room("a") == 0
    slots.end("a")
    assert slots.room("a") == 1


def test_one_pool_is_there_for_every_tier() -> None:
    pool = PooledSlots(2)
    pool.begin("a")
    assert pool.room("b") == 1
    pool.begin("a")
    pool.begin("b")
    assert pool.room("a") == 0
    pool.end("a")
    assert pool.room("b") == 0
    pool.end("b")
    assert pool.room("b") == 1


def test_shares_are_read_in_their_order() -> None:
    assert list(shares_of(("fast=8", " standard = 4", "heavy=1")).items()) == [
        ("fast", 8),
        ("standard", 4),
        ("heavy", 1),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fast=0", "TIDINGS_TIERS gives fast 0 slots; allowed: 1 to 10000"),
        ("fast=10001", "allowed: 1 to 10000"),
        ("fast", "'fast'; a tier and its slots look like fast=8"),
        ("fast=-1", "look like fast=8"),
        ("=3", "look like fast=8"),
        ("fast=1,fast=2", "names fast twice"),
    ],
)
def test_shares_that_cannot_be_are_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="TIDINGS_TIERS") as refused:
        shares_of(text.split(","))
    assert says in str(refused.value)


@given(histories(), st.integers(0, 12))
def test_jobs_counted_together_are_counted_as_one_after_the_other(
    history: tuple[dict[str, int], list[tuple[str, str]]], jobs: int
) -> None:
    (together, _), (singly, _) = after(*history), after(*history)
    tier, *_ = history[0]
    together.begin(tier, jobs)
    for _ in range(jobs):
        singly.begin(tier)
    assert [together.room(one) for one in history[0]] == [singly.room(one) for one in history[0]]
    together.end(tier, jobs)
    for _ in range(jobs):
        singly.end(tier)
    assert [busy(together, one) for one in history[0]] == [busy(singly, one) for one in history[0]]


def test_one_pool_counts_jobs_that_begin_and_end_together() -> None:
    slots = PooledSlots(10)
    slots.begin("standard", 7)
    assert slots.room("standard") == 3
    slots.end("standard", 5)
    assert slots.room("standard") == 8
