"""Questions of sagas: which types of answers a form has fields for."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.questions import decode_question
from tidings.saga.question import MAX_QUESTION, question_text


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Form(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=9, pattern="^x", title="Name")]
    colour: Colour
    amount: Annotated[int, msgspec.Meta(ge=1)] = 1
    note: str | None = None
    price: float = 0.5


@dataclass
class Nested:
    form: Form


@dataclass
class Empty:
    pass


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Colour, {"type": "string", "enum": ["blue", "red"], "title": "Colour"}),
    ],
)
def test_an_answer_that_is_no_object_is_one_field(answer: Any, field: dict[str, Any]) -> None:
    question = decode_question(question_text("s", "Which?", answer))
    assert (question.message, question.whole) == ("Which?", False)
    assert question.schema == {"type": "object", "properties": {"value": field}, "required": ["value"]}


def test_an_object_is_a_form_with_what_clients_know_of_its_fields() -> None:
    question = decode_question(question_text("s", "", Form))
    assert question.whole
    assert question.schema == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name", "minLength": 1, "maxLength": 9},
            "colour": {"type": "string", "title": "Colour", "enum": ["blue", "red"]},
            "amount": {"type": "integer", "default": 1, "minimum": 1},
            "note": {"type": "string"},
            "price": {"type": "number", "default": 0.5},
        },
        "required": ["name", "colour"],
    }


@pytest.mark.parametrize(
    ("answer", "culprit"),
    [
        (Nested, "its field form"),
        (list[str], "it"),
        (dict[str, str], "1 to 50 fields"),
        (Literal[1, 2], "it"),
        (int | str, "it"),
        (Empty, "1 to 50 fields"),
        (type(None), "it"),
    ],
)
def test_a_type_without_a_field_is_named(answer: Any, culprit: str) -> None:
    with pytest.raises(TypeError, match=f"signal 's': answer: .*{culprit}"):
        question_text("s", "", answer)


def test_nothing_said_is_no_question_and_too_much_is_refused() -> None:
    assert question_text("s", "", str) == ""
    assert decode_question(question_text("s", "x" * MAX_QUESTION, str)).message == "x" * MAX_QUESTION
    with pytest.raises(ValueError, match="2001 characters; at most 2000"):
        question_text("s", "x" * (MAX_QUESTION + 1), str)
    many = msgspec.defstruct("Many", [(f"field{number:03}" + "x" * 500, int) for number in range(50)])
    with pytest.raises(ValueError, match="more than 16384 bytes"):
        question_text("s", "", many)


FIELDS = st.sampled_from([str, bool, int, float, Literal["a", "b"], Colour, str | None])


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), FIELDS, min_size=1, max_size=8), st.data())
def test_what_a_form_lets_through_is_an_answer(fields: dict[str, Any], data: st.DataObject) -> None:
    struct = msgspec.defstruct("Some", [(f"f_{name}", type_) for name, type_ in fields.items()])
    schema = decode_question(question_text("s", "", struct)).schema
    made = {
        f"f_{name}": data.draw(
            {str: st.text(), bool: st.booleans(), int: st.integers(-9, 9), float: st.floats(-9, 9)}.get(
                type_, st.sampled_from(["a", "red"])
            )
        )
        for name, type_ in fields.items()
    }
    if jsonschema_rs.is_valid(schema, made):
        msgspec.convert(made, struct)
