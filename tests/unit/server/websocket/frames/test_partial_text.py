"""A large text that comes in pieces: whole at its end, however it is cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from tidings_server.websocket.frames.partial_text import ALLOCATED_SHARE, HEAD_BYTES, PartialText

TEXT = bytes(range(32, 127)) * 700
WIRE = Frame(Opcode.TEXT, TEXT).serialize(mask=True)
MOST = 1_000_000


@given(st.lists(st.integers(HEAD_BYTES, len(WIRE) - 1), max_size=8))
def test_any_split_gives_the_text_and_no_more(cuts: list[int]) -> None:
    data = WIRE + b"next"
    bounds = sorted({HEAD_BYTES, len(data), *cuts})
    text = PartialText.begin(data[: bounds[1]], 0, MOST)
    assert text is not None
    taken = 0
    for begin, end in itertools.pairwise(bounds):
        assert not text.whole
        taken += text.take(data[begin:end], 0)
    assert text.whole
    assert text.payload == TEXT
    assert taken == len(TEXT)


def test_a_size_that_is_only_announced_takes_no_memory() -> None:
    head = b"\x81\xff" + MOST.to_bytes(8) + b"mask"
    text = PartialText.begin(head, 0, MOST)
    assert text is not None
    text.take(b"x" * (MOST // ALLOCATED_SHARE - 1), 0)
    assert len(text.payload) == MOST // ALLOCATED_SHARE - 1
    text.take(b"x", 0)
    assert len(text.payload) == MOST
    assert not text.whole


@pytest.mark.parametrize(
    "data",
    [
        WIRE[: HEAD_BYTES - 1],
        Frame(Opcode.TEXT, TEXT).serialize(mask=False),
        Frame(Opcode.BINARY, TEXT).serialize(mask=True),
        Frame(Opcode.TEXT, TEXT, fin=False).serialize(mask=True),
        Frame(Opcode.TEXT, TEXT[:65_535]).serialize(mask=True),
        b"\x81\xff" + (MOST + 1).to_bytes(8) + b"mask",
        b"\x81\xff" + b"\xff" * 8 + b"mask",
    ],
    ids=["half a head", "unmasked", "binary", "a fragment", "small", "too large", "beyond all bounds"],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert PartialText.begin(data, 0, MOST) is None
