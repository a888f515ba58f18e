"""What a client holds of the streams of a job, and when it takes that for whole."""

from typing import Any

import msgspec

from tidings.client.streams.held_streams import ChunkPosition, HeldStreams
from tidings.protocol.frames.stream_messages import StreamSnapshot


def chunk(index: int, *data: Any, attempt: int = 1) -> dict[str, Any]:
    return {"stream": "s", "index": index, "attempt": attempt, "data": data[0] if len(data) == 1 else list(data)}


def snapshot(first: int, *chunks: Any, attempt: int = 1) -> dict[str, StreamSnapshot]:
    return {"s": StreamSnapshot(attempt=attempt, first=first, chunks=msgspec.Raw(msgspec.json.encode(chunks)))}


def held(*chunks: Any) -> HeldStreams:
    streams = HeldStreams()
    for index, data in enumerate(chunks):
        streams.take_event("chunk", chunk(index, data))
    return streams


def test_chunks_are_held_in_order_and_a_reset_keeps_the_first() -> None:
    streams = held("a", "b")
    streams.take_event("chunks", chunk(2, "c", "d"))
    stream = streams.stream("s")
    assert (stream.chunks, stream.in_doubt) == (["a", "b", "c", "d"], False)
    streams.take_event("reset", {"stream": "s", "attempt": 2, "keep": 1})
    assert (stream.chunks, stream.attempt) == (["a"], 2)
    streams.take_event("chunk", chunk(1, "X", attempt=2))
    assert stream.chunks == ["a", "X"]


def test_a_snapshot_replaces_what_is_void_and_empties_what_it_does_not_name() -> None:
    streams = held("a", "b", "c")
    streams.take_snapshot(snapshot(2, "X", "Y"))
    assert streams.stream("s").chunks == ["a", "b", "X", "Y"]
    streams.take_snapshot({})
    assert (streams.stream("s").chunks, streams.stream("s").in_doubt) == ([], False)


def test_a_watch_that_begins_after_an_event_holds_what_came_later() -> None:
    streams, position = HeldStreams(), ChunkPosition(0)
    streams.stream("s").readers.add(position)
    streams.take_snapshot(snapshot(7, "h"))
    stream = streams.stream("s")
    assert (stream.first, stream.chunks, stream.count, position.index) == (7, ["h"], 8, 7)
    streams.take_event("reset", {"stream": "s", "attempt": 2, "keep": 3})
    assert (stream.first, stream.chunks, stream.in_doubt) == (3, [], False)


def test_a_hole_puts_a_stream_in_doubt_until_a_snapshot_fills_it() -> None:
    streams = held("a")
    streams.take_event("chunk", chunk(3, "d"))
    stream = streams.stream("s")
    assert (stream.chunks, stream.in_doubt) == (["a"], True)
    streams.take_snapshot(snapshot(3, "d"))
    assert (stream.chunks, stream.in_doubt) == (["a"], True)
    streams.take_snapshot(snapshot(0, *"abcd"))
    assert (stream.chunks, stream.in_doubt) == ([*"abcd"], False)


def test_an_answer_of_a_server_that_knows_no_streams_puts_those_in_doubt_of_which_something_is_held() -> None:
    streams = held("a")
    streams.stream("t")
    streams.take_snapshot(msgspec.UNSET)
    assert (streams.stream("s").in_doubt, streams.stream("t").in_doubt) == (True, False)


def test_a_reader_that_has_come_too_far_goes_back_and_one_that_has_not_stays() -> None:
    streams, far, near = held("a", "b", "c"), ChunkPosition(3), ChunkPosition(1)
    for position in (far, near):
        streams.stream("s").readers.add(position)
    streams.take_event("reset", {"stream": "s", "attempt": 2, "keep": 1})
    assert [(one.index, one.voided) for one in (far, near)] == [(1, True), (1, False)]
