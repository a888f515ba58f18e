"""A client's frames are taken out of the stream as the general parser would take them."""

import os
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from tidings_server.websocket.frames.frame_parser import FrameBoundary, frame_size, whole_text


def encoded(opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


SIZES = st.sampled_from([0, 1, 124, 125, 126, 127, 128, 300, 65_535])
FRAMES = st.builds(
    lambda opcode, size, fin: encoded(opcode, os.urandom(size), fin=fin),
    st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]),
    SIZES | st.just(65_536) | st.just(70_000),
    st.booleans(),
)


@given(st.lists(FRAMES, min_size=1, max_size=4), st.lists(st.integers(0, 80_000), max_size=8), st.data())
def test_however_the_stream_is_cut_it_is_known_whether_it_stands_between_two_frames(
    frames: list[bytes], anywhere: list[int], data: st.DataObject
) -> None:
    stream = b"".join(frames)
    ends = {sum(map(len, frames[:count])) for count in range(len(frames) + 1)}
    near = data.draw(st.lists(st.sampled_from(sorted(ends)).flatmap(lambda end: st.integers(end, end + 12))))
    seam = FrameBoundary()
    assert seam.between
    for begin, end in pairwise(sorted({0, len(stream), *(cut for cut in anywhere + near if cut < len(stream))})):
        seam.passed(stream[begin:end])
        assert seam.between is (end in ends)


@given(SIZES, st.binary(max_size=10))
def test_a_text_in_one_frame_is_taken_out(size: int, behind: bytes) -> None:
    text = os.urandom(size)
    frame = encoded(Opcode.TEXT, text)
    assert frame_size(b"??" + frame + behind, 2) == len(frame)
    assert whole_text(b"??" + frame + behind, 2) == (text, 2 + len(frame))


@given(SIZES.flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size + 5))))
def test_one_that_has_not_come_whole_is_not(size_and_cut: tuple[int, int]) -> None:
    size, cut = size_and_cut
    assert whole_text(encoded(Opcode.TEXT, os.urandom(size))[:cut], 0) is None


def test_whatever_is_more_than_that_is_left_to_the_parser() -> None:
    for frame in (
        encoded(Opcode.TEXT, b"x", mask=False),
        encoded(Opcode.TEXT, b"x", fin=False),
        encoded(Opcode.BINARY, b"x"),
        encoded(Opcode.PING, b"x"),
        encoded(Opcode.CLOSE, b"\x03\xe8"),
        encoded(Opcode.CONT, b"x"),
        encoded(Opcode.TEXT, b"x" * 65_536),
        bytes([0xC1]) + encoded(Opcode.TEXT, b"x")[1:],  # RSV1: compressed
    ):
        assert whole_text(frame, 0) is None
