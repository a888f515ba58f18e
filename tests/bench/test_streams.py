"""The lean readers of streams count what came, and how long it took."""

import msgspec
from bench.streams.reader import ChunkTally, HttpReader
from bench.streams.said import TOKENS, answer, stamps


async def test_chunks_of_a_socket_and_of_an_event_stream_are_counted_alike() -> None:
    said = [stamp async for stamp in stamps(3, 1_000_000)]
    socket, http = ChunkTally(), ChunkTally()
    one = {"type": "event", "event": "chunk", "data": {"data": said[0]}}
    more = {"type": "event", "event": "chunks", "data": {"data": said[1:]}}
    for frame in (one, more, {"type": "event", "event": "progress", "data": {}}, {"event": "succeeded"}):
        socket.frame(msgspec.json.encode(frame))
    text = "".join(f"id: 1\ndata: {stamp}\n\n" for stamp in said).encode()
    reader = HttpReader(http)
    for byte in b"HTTP/1.1 200 OK\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(text), text):
        reader.data_received(bytes([byte]))
    for tally in (socket, http):
        assert (tally.count, tally.took.count, tally.ended) == (3, 3, 1)


def test_an_answer_has_as_many_tokens_as_it_says_and_each_is_some_letters() -> None:
    tokens = answer()
    assert len(tokens) == TOKENS
    assert 3 < len("".join(tokens)) / TOKENS < 5
