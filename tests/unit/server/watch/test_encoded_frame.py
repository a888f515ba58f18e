"""A frame on its way: as RFC 6455 has it, and encoded once however many it goes to."""

import pytest
from websockets.frames import Frame as Reference
from websockets.frames import Opcode

from tidings_server.watch.encoded_frame import EncodedFrame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_it_is_one_unmasked_frame_of_text(size: int) -> None:
    text = "x" * size
    assert EncodedFrame.of(text).wire == Reference(Opcode.TEXT, text.encode()).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 100, 1_000, 100_000])
def test_a_frame_in_pieces_is_the_same(size: int) -> None:
    whole, value = EncodedFrame(b'{"a":"' + b"x" * size + b'"}'), b"x" * size
    frame = EncodedFrame.of_pieces(b'{"a":"', value, b'"}')
    assert len(frame) == len(whole)
    assert b"".join(frame.wire_pieces) == b"".join(whole.wire_pieces) == whole.wire
    assert size < 65_536 or frame.wire_pieces[2] is value
    assert (frame.data, frame.text, frame.wire) == (whole.data, whole.text, whole.wire)


def test_its_size_is_that_of_its_bytes() -> None:
    assert len(EncodedFrame.of("é")) == 2
    assert EncodedFrame(EncodedFrame.of("é").data).text == "é"


def test_it_is_encoded_once() -> None:
    frame = EncodedFrame(b"abc")
    assert frame.wire is frame.wire
    assert frame.text is frame.text
