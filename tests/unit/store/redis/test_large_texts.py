"""Large texts of calls: what stands beside the packed arguments, and what a command is written as."""

from typing import Any

import hiredis
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.store.jobs.job_store import NewJob
from tidings.store.redis.encoding.command_bytes import LARGE_BYTES, command_pieces
from tidings.store.redis.encoding.script_arguments import LARGE_TEXT_BYTES, LargeText, pack_arguments, text_of

LARGE = b"x" * LARGE_TEXT_BYTES


def test_a_large_text_stands_beside_the_arguments_under_its_number() -> None:
    jobs = [
        NewJob("a", "k", "t", "small"),
        NewJob("b", "k", "t", LargeText(LARGE)),
        NewJob("c", "k", "t", LargeText(b"c")),
    ]
    packed, texts = pack_arguments(("p", jobs))
    _, items = msgspec.msgpack.decode(packed)
    assert [item["envelope"] for item in items] == ["small", 1, 2]
    assert texts == [LARGE, b"c"]
    assert texts[0] is LARGE


def test_a_text_becomes_large_by_its_size() -> None:
    assert text_of(LARGE[1:]) == LARGE[1:].decode()
    large = text_of(LARGE)
    assert isinstance(large, LargeText)
    assert large.data is LARGE
    assert len(large) == LARGE_TEXT_BYTES


@pytest.mark.parametrize("part", [object(), {1, object()}, 2**64])
def test_what_has_no_form_is_refused_beside_a_large_text_too(part: Any) -> None:
    for arguments in ((part,), (LargeText(LARGE), part)):
        with pytest.raises((TypeError, OverflowError)):
            pack_arguments(arguments)


arguments = st.one_of(
    st.text(max_size=5),
    st.binary(max_size=5),
    st.integers(-10, 10),
    st.just(b"y" * LARGE_BYTES),
    st.just("é" * LARGE_BYTES),
)


@given(st.lists(arguments, min_size=1, max_size=6))
def test_the_pieces_of_a_command_are_the_command(args: list[str | bytes | int]) -> None:
    pieces = command_pieces(args)
    assert b"".join(pieces) == hiredis.pack_command(tuple(args))  # type: ignore[arg-type] # one of any length
    assert all(
        any(piece is arg for piece in pieces) for arg in args if isinstance(arg, bytes) and len(arg) >= LARGE_BYTES
    )
