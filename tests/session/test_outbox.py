"""What waits for a reader: nothing but old progress is ever left out, and no more is kept than is counted."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.contract.event import EventClass
from tidings_server.outbox import COALESCE_BYTES, Outbox


def test_progress_of_a_slow_reader_is_replaced_by_the_newest_and_nothing_else_is_lost() -> None:
    outbox = Outbox[str](1_000_000)
    outbox.put_event("a", EventClass.LOG, "L" * 70_000)
    outbox.put_event("a", EventClass.PROGRESS, "p1")
    outbox.put_event("b", EventClass.PROGRESS, "q1")
    outbox.put_event("a", EventClass.CHANGE, "c")
    outbox.put_event("a", EventClass.PROGRESS, "p2")
    assert [item[:2] for item in outbox.take()] == ["LL", "q1", "c", "p2"]


def test_progress_of_a_fast_reader_is_kept() -> None:
    outbox = Outbox[str](1_000_000)
    outbox.put_event("a", EventClass.PROGRESS, "p1")
    outbox.put_event("a", EventClass.PROGRESS, "p2")
    assert outbox.take() == ["p1", "p2"]


def test_what_waits_for_the_reader_waits_again_for_what_the_one_before_it_added() -> None:
    outbox = Outbox[str](1_000_000)
    order: list[str] = []

    def add() -> None:
        order.append("added")
        outbox.put("M" * 70_000)

    outbox.put("L" * 70_000)
    outbox.when_read(add)
    outbox.when_read(lambda: order.append("given back"))
    outbox.take()
    assert order == ["added"]
    outbox.take()
    assert order == ["added", "given back"]


puts = st.tuples(
    st.just("put"),
    st.sampled_from("ab"),
    st.sampled_from([EventClass.PROGRESS, EventClass.LOG, EventClass.CHANGE]),
    st.integers(1, COALESCE_BYTES),
)
takes = st.tuples(st.just("take"), st.integers(1, 2 * COALESCE_BYTES))


@given(st.lists(puts | takes, max_size=40))
def test_a_reader_gets_all_but_older_progress_in_order_however_it_reads(steps: list[tuple[object, ...]]) -> None:
    outbox = Outbox[bytes](10**9)
    put: list[tuple[str, int, bytes]] = []
    got: list[bytes] = []
    for number, step in enumerate(steps):
        if step[0] == "put":
            _, token, event_class, size = step
            assert isinstance(token, str)
            assert isinstance(event_class, int)
            assert isinstance(size, int)
            item = f"{number}:".encode().ljust(size, b".")
            put.append((token, event_class, item))
            outbox.put_event(token, event_class, item)
        else:
            most = step[1]
            assert isinstance(most, int)
            some = outbox.take_some(most)
            assert sum(map(len, some[:-1])) < most
            got += some
        assert outbox.waiting_bytes >= 0
    got += outbox.take()
    assert outbox.waiting_bytes == 0
    order = {item: place for place, (_, _, item) in enumerate(put)}
    assert [order[item] for item in got] == sorted(order[item] for item in got)
    for place, (token, event_class, item) in enumerate(put):
        newer = any(t == token and c == EventClass.PROGRESS for t, c, _ in put[place + 1 :])
        assert item in got or (event_class == EventClass.PROGRESS and newer)
