"""The names of partitions, and which of them a value goes to."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from tidings.protocol.tokens import new_token, parse_token, queue_of
from tidings.store.placement.partition_names import MAX_PARTITIONS, SLOTS, partition_names
from tidings.store.placement.placement import (
    MAX_EARLIER,
    Placement,
    Placements,
    ReplacedPlacement,
    earlier_places,
    place_of,
)

queues = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", fullmatch=True)
counts = st.integers(1, MAX_PARTITIONS)


@given(queues, counts)
def test_the_first_partition_is_the_queue_and_a_greater_count_only_adds(queue: str, count: int) -> None:
    names = partition_names(queue, count)
    assert names[0] == queue
    assert len(set(names)) == count
    assert names == partition_names(queue, MAX_PARTITIONS)[:count]
    for name in names:
        assert queue_of(name) == queue
        token = new_token(name)
        assert parse_token(str(token)) == token


@given(queues, counts)
def test_partitions_lie_far_apart_on_the_circle_of_slots(queue: str, count: int) -> None:
    slots = sorted(key_slot(name.encode()) for name in partition_names(queue, count))
    gaps = [after - slot for slot, after in zip(slots, [*slots[1:], slots[0] + SLOTS], strict=True)]
    # With a count between two powers of two the largest gap is twice that of an even spread; names are 13 slots apart.
    assert max(gaps) <= 2 * SLOTS / count + 150


@pytest.mark.parametrize("text", ["orders~.x", "orders~b.x", "orders~bxy.x", "~bx.x", "orders~BX.x", "orders~b~x.x"])
def test_no_other_text_is_the_name_of_a_partition(text: str) -> None:
    assert parse_token(text.replace(".x", "." + "x" * 22)) is None


@given(counts, counts, st.text(min_size=1, max_size=40))
def test_a_value_stays_or_goes_to_a_partition_that_was_added(count: int, more: int, value: str) -> None:
    less, greater = sorted((count, more))
    before = place_of("q", Placement(epoch=1, count=less, most=less), "k", value)
    after = place_of("q", Placement(epoch=2, count=greater, most=greater), "k", value)
    assert after == before or after in partition_names("q", greater)[less:]


def test_values_are_spread_evenly() -> None:
    placement = Placement(epoch=1, count=8, most=8)
    found = Counter(place_of("q", placement, "k", f"order-{number}") for number in range(8_000))
    assert found.keys() == set(partition_names("q", 8))
    assert max(found.values()) < 1.15 * 1_000


def test_a_kind_at_home_stays_in_the_first_partition() -> None:
    placement = Placement(epoch=1, count=8, most=8, home=["bound"])
    assert {place_of("q", placement, "bound", str(number)) for number in range(50)} == {"q"}
    assert len({place_of("q", placement, "free", str(number)) for number in range(50)}) > 1


@given(st.lists(counts, min_size=1, max_size=8), st.text(min_size=1, max_size=20))
def test_every_place_of_the_window_is_asked_once_and_the_present_one_is_not(past: list[int], value: str) -> None:
    placement = Placement(epoch=0, count=1, most=1)
    for at, count in enumerate(past):
        placement = placement.after(count, [], at)
    since = len(past) // 2
    asked = list(earlier_places("q", placement, "k", value, since))
    wanted = {place_of("q", one, "k", value) for one in placement.before if one.ended_ms > since}
    assert sorted(asked) == sorted(wanted - {place_of("q", placement, "k", value)})


def test_a_placement_remembers_how_many_partitions_there_ever_were() -> None:
    placement = Placement(epoch=0, count=1, most=1).after(8, ["bound"], 5).after(3, [], 9)
    assert (placement.epoch, placement.count, placement.most) == (2, 3, 8)
    assert placement.before == [ReplacedPlacement(8, ["bound"], 9), ReplacedPlacement(1, [], 5)]
    placements = Placements({"q": placement})
    assert placements.all_partitions(["other", "q"]) == ["other", *partition_names("q", 8)]
    assert placements.shares() == dict.fromkeys(partition_names("q", 8), 3)
    for at in range(2 * MAX_EARLIER):
        placement = placement.after(1 + at % 2, [], at)
    assert len(placement.before) == MAX_EARLIER
