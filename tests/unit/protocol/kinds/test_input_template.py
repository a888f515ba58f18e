"""Templates: fields of an input in a short text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.kinds.input_template import InputTemplate

SCHEMA: dict[str, Any] = {
    "$ref": "#/$defs/input",
    "$defs": {
        "input": {
            "properties": {
                "carrier": {"type": "string"},
                "year": {"type": "integer", "default": 2013},
                "route": {"$ref": "#/$defs/route"},
            }
        },
        "route": {"properties": {"to": {"type": "string"}}},
    },
}


def fill(text: str, value: dict[str, Any]) -> str:
    return InputTemplate.of(text, SCHEMA).fill(value)


def test_fields_stand_as_json_and_text_as_it_is() -> None:
    assert fill("{carrier}-{year}", {"carrier": "UA", "year": 2020}) == '"UA"-2020'
    assert fill("to {route.to}", {"route": {"to": "JFK"}}) == 'to "JFK"'
    assert fill("all{{}}", {}) == "all{}"


def test_what_is_missing_has_its_default_or_is_null() -> None:
    assert fill("{year}", {"carrier": "UA"}) == "2013"
    assert fill("{route.to}", {}) == "null"
    assert fill("{route.to}", {"route": None}) == "null"


@given(st.dictionaries(st.sampled_from(["carrier", "year"]), st.text(max_size=3) | st.integers(0, 3)))
def test_two_inputs_have_the_same_text_only_if_their_fields_are_the_same(value: dict[str, Any]) -> None:
    other = {"carrier": "1", "year": 1}
    same = (value.get("carrier"), value.get("year", 2013)) == ("1", 1)
    assert (fill("{carrier}:{year}", value) == fill("{carrier}:{year}", other)) == same


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no template"),
        ("{carrier!r}", "a plain name in braces"),
        ("{year:02}", "a plain name in braces"),
        ("{flight}", "which the input does not have; its fields: carrier, year, route"),
        ("{route.from}", "'route.from', which the input does not have"),
        ("{}", "which the input does not have"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        InputTemplate.of(text, SCHEMA)
