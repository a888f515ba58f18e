"""What a run of an agent's handler says again that an earlier run has said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidings.ai.agent.repeated_parts import RepeatedParts, in_pieces, joined
from tidings.ai.message_parts import PIECE_CHARACTERS
from tidings.ai.part_types import Part


def text(delta: str, identity: str = "1") -> Part:
    return {"type": "text-delta", "id": identity, "delta": delta}


STEP: Part = {"type": "start-step"}


def test_pieces_of_a_text_are_compared_by_the_text() -> None:
    matched = RepeatedParts([STEP, text("It "), text("dep"), text("ends."), STEP])
    assert matched.match([STEP, text("It depends.")])
    assert matched.count == 4
    assert not matched.match([text("No.")])
    assert matched.match([STEP])
    assert not matched.match([STEP])
    assert matched.count == 5


def test_a_text_that_goes_on_or_breaks_off_or_belongs_elsewhere_is_another() -> None:
    for chunks in ([text("It d")], [text("It depends. No.")], [text("It depends.", "2")], [STEP]):
        matched = RepeatedParts(chunks)
        assert (matched.match([text("It depends.")]), matched.count) == (False, 0)


PARTS = st.lists(st.one_of(st.just(STEP), st.builds(text, st.text(min_size=1, max_size=3), st.sampled_from("12"))))


@given(parts=PARTS, others=PARTS)
def test_what_is_joined_matches_the_pieces_of_which_it_was_made(parts: list[Part], others: list[Part]) -> None:
    matched = RepeatedParts([*parts, *others])
    assert matched.match(joined(parts))
    assert matched.count == len(parts)
    assert joined(in_pieces(joined(parts))) == joined(parts)


def test_a_long_text_goes_in_pieces_that_a_chunk_can_hold() -> None:
    (first, second) = in_pieces([text("x" * (PIECE_CHARACTERS + 1))])
    assert (len(first["delta"]), len(second["delta"])) == (PIECE_CHARACTERS, 1)


def test_values_are_compared_as_they_come_back_from_the_store() -> None:
    part: dict[str, Any] = {"type": "data-a", "data": (1, 2)}
    assert RepeatedParts([{"type": "data-a", "data": [1, 2]}]).match([part])
