from bench.wire import cut_frames, text_frame
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

payloads = st.lists(st.binary(max_size=300) | st.sampled_from([b"x" * 125, b"x" * 126, b"x" * 70_000]), max_size=6)


@given(payloads, st.integers(1, 50))
def test_frames_are_cut_out_of_any_split_of_the_stream(sent: list[bytes], size: int) -> None:
    stream = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in sent)
    data, found = bytearray(), []
    for at in range(0, len(stream), size * 97):
        data += stream[at : at + size * 97]
        found += cut_frames(data)
    assert found == sent
    assert not data


@given(st.binary(max_size=300) | st.sampled_from([b"x" * 65_535, b"x" * 65_536]))
def test_what_is_sent_is_a_masked_text_frame(payload: bytes) -> None:
    frame = text_frame(payload)
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    assert frame.endswith(b"\0\0\0\0" + payload)
