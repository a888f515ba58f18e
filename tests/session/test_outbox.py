"""What waits for a reader: nothing but old progress is ever left out, and no more is kept than is counted."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.events import EventClass
from tidings_server.web.send.send_buffer import COALESCE_BYTES, SendBuffer


def test_progress_of_a_slow_reader_is_replaced_by_the_newest_and_nothing_else_is_lost() -> None:
    send_buffer = SendBuffer[str](1_000_000)
    send_buffer.put_event("a", EventClass.LOG, "L" * 70_000)
    send_buffer.put_event("a", EventClass.PROGRESS, "p1")
    send_buffer.put_event("b", EventClass.PROGRESS, "q1")
    send_buffer.put_event("a", EventClass.CHANGE, "c")
    send_buffer.put_event("a", EventClass.PROGRESS, "p2")
    assert [item[:2] for item in send_buffer.take()] == ["LL", "q1", "c", "p2"]


def test_progress_of_a_fast_reader_is_kept() -> None:
    send_buffer = SendBuffer[str](1_000_000)
    send_buffer.put_event("a", EventClass.PROGRESS, "p1")
    send_buffer.put_event("a", EventClass.PROGRESS, "p2")
    assert send_buffer.take() == ["p1", "p2"]


def test_what_waits_for_the_reader_waits_again_for_what_the_one_before_it_added() -> None:
    send_buffer = SendBuffer[str](1_000_000)
    order: list[str] = []

    def add() -> None:
        order.append("added")
        send_buffer.put("M" * 70_000)

    send_buffer.put("L" * 70_000)
    send_buffer.when_read(add)
    send_buffer.when_read(lambda: order.append("given back"))
    send_buffer.take()
    assert order == ["added"]
    send_buffer.take()
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
    send_buffer = SendBuffer[bytes](10**9)
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
            send_buffer.put_event(token, event_class, item)
        else:
            most = step[1]
            assert isinstance(most, int)
            some = send_buffer.take_some(most)
            assert sum(map(len, some[:-1])) < most
            got += some
        assert send_buffer.waiting_bytes >= 0
    got += send_buffer.take()
    assert send_buffer.waiting_bytes == 0
    order = {item: place for place, (_, _, item) in enumerate(put)}
    assert [order[item] for item in got] == sorted(order[item] for item in got)
    for place, (token, event_class, item) in enumerate(put):
        newer = any(t == token and c == EventClass.PROGRESS for t, c, _ in put[place + 1 :])
        assert item in got or (event_class == EventClass.PROGRESS and newer)
