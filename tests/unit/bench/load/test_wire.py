import pytest
from bench.load.wire import PONG, TEXT, client_frame, cut_frames
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

sizes = st.lists(st.integers(0, 300) | st.sampled_from([125, 126, 65_535, 65_536, 70_000]), max_size=6)


@given(sizes, st.integers(7, 5_000))
def test_frames_are_cut_out_of_any_split_of_the_stream(lengths: list[int], size: int) -> None:
    sent = [bytes([65 + number]) * length for number, length in enumerate(lengths)]
    stream = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in sent)
    rest, found = b"", []
    for at in range(0, len(stream), size):
        frames, rest = cut_frames(rest + stream[at : at + size])
        found += frames
    assert found == [(TEXT, payload) for payload in sent]
    assert rest == b""


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("opcode", [TEXT, PONG])
def test_what_is_sent_is_a_whole_masked_frame(size: int, opcode: int) -> None:
    frame = client_frame(b"x" * size, opcode)
    assert frame[0] == 0x80 | opcode
    assert frame[1] & 0x80
    assert cut_frames(frame) == ([(opcode, b"x" * size)], b"")
