"""Which lines of waiting jobs a worker takes from."""

from typing import Any

from tidings import job
from tidings_worker.queue.served_streams import stream_groups_of
from tidings_worker.queue.unserved_jobs import served_lines


@job(version=3, upcast={2: dict})
async def order(amount: int = 1) -> None: ...


@job(tier="heavy")
def picture(name: str = "") -> None: ...


def lines_of(*jobs: Any, shared: bool = False) -> list[Any]:
    tiers = sorted({tier for one in jobs for tier in one.tiers})
    return served_lines(jobs, stream_groups_of(jobs, tiers, shared=shared))


def test_lines_are_served_by_tier_kind_and_version() -> None:
    (lines,) = lines_of(order)
    served = [f"standard/order@{version}" for version in range(6) if lines.has(f"standard/order@{version}")]
    assert served == ["standard/order@2", "standard/order@3"]
    for other in ("heavy/order@3", "standard/orders@3", "standard/order", "order@3", "", "*", "standard/order@x"):
        assert not lines.has(other)


def test_kinds_that_need_a_thread_are_taken_apart_from_those_that_need_nothing() -> None:
    found = {(lines.need, kind) for lines in lines_of(order, picture) for kind in lines.kinds}
    assert found == {("", "order"), ("thread", "picture")}


def test_each_tier_with_slots_of_its_own_is_asked_for_apart() -> None:
    found = {(*lines.group.tiers, kind) for lines in lines_of(order, picture, shared=True) for kind in lines.kinds}
    assert found == {("standard", "order"), ("heavy", "picture")}
