"""Which partition a server takes for a new job."""

import time
from collections import Counter

import anyio
import msgspec
import pytest

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.placement.partition_names import partition_names
from tidings.store.placement.placement import Placement, Placements
from tidings_server.kinds.partition_choice import SLACK_MS, PartitionChoice

NAMES = partition_names("wide", 8)


def record(kind: str = "free") -> KindRecord:
    return KindRecord(kind=kind, queue="wide", input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"null"))


def choice(*counts: int, at_ms: int = 0) -> PartitionChoice:
    placement = Placement(epoch=0, count=1, most=1)
    for count in counts:
        placement = placement.after(count, ["bound"], at_ms or int(time.time() * 1000))
    one = PartitionChoice(60)
    one.use(Placements({"wide": placement}))
    return one


def test_a_queue_without_a_placement_is_one_partition() -> None:
    one = PartitionChoice(60)
    assert one.partition_of(record()) == "wide"
    assert one.place_key("wide", "free", "key") == ("wide", 0, ())


def test_a_job_without_a_key_goes_to_the_shorter_of_two_lines() -> None:
    one = choice(8)
    assert {one.partition_of(record()) for _ in range(500)} == set(NAMES)
    for name in NAMES[1:]:
        one.note(name, 100_000)
    found = Counter(one.partition_of(record()) for _ in range(400))
    # The only short line is one of the two that are drawn in a quarter of the cases, and wins each.
    assert found[NAMES[0]] > max(found[name] for name in NAMES[1:])


def test_a_line_that_was_long_is_tried_again_some_time() -> None:
    one = choice(2)
    first, second = NAMES[0], partition_names("wide", 2)[1]
    one.note(second, 5)
    found = [one.partition_of(record()) for _ in range(100)]
    assert found[:5] == [first] * 5
    assert second in found


def test_a_kind_that_is_bound_stays_at_home() -> None:
    one = choice(8)
    assert {one.partition_of(record("bound")) for _ in range(50)} == {"wide"}
    assert {one.place_key("wide", "bound", str(n)).partition for n in range(50)} == {"wide"}


def test_earlier_places_are_asked_for_as_long_as_keys_are_remembered() -> None:
    now = int(time.time() * 1000)
    moved = next(str(n) for n in range(50) if choice(8).place_key("wide", "free", str(n)).partition != "wide")
    assert choice(8).place_key("wide", "free", moved).asked_first == ("wide",)
    assert choice(8, at_ms=now - 50_000).place_key("wide", "free", moved).asked_first == ("wide",)
    assert choice(8, at_ms=now - 70_000 - SLACK_MS).place_key("wide", "free", moved).asked_first == ()


async def test_a_newer_placement_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    one, newer = choice(8), choice(8, 3)
    async with anyio.create_task_group() as tasks:
        found: list[bool] = []

        async def wait() -> None:
            found.append(await one.newer("wide", 1))

        tasks.start_soon(wait)
        await anyio.lowlevel.checkpoint()
        assert not found
        one.use(newer.placements)
    assert found == [True]
    monkeypatch.setattr("tidings_server.kinds.partition_choice.LEARN_WITHIN_S", 0.001)
    assert not await one.newer("wide", 2)
