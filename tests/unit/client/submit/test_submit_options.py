"""What is a field of the input and what an option: mixed, they are refused with what to write instead."""

import dataclasses
from typing import Any

import msgspec
import pytest

from tidings.client.submit.submit_options import OPTION_NAMES, SubmitOptions, input_of, option_fields
from tidings.protocol.frames.messages import Submission


class Struct(msgspec.Struct):
    text: str


@dataclasses.dataclass
class Data:
    text: str


@pytest.mark.parametrize("value", [{"text": "a"}, {}, Struct("a"), Data("a"), {"key": "x", "delay": 3, "watch": 1}])
def test_an_input_alone_is_the_input(value: Any) -> None:
    assert input_of(value, {}) is value


def test_keyword_arguments_alone_are_the_input() -> None:
    assert input_of(None, {"text": "a", "n": 3}) == {"text": "a", "n": 3}
    assert input_of(None, {}) == {}


@pytest.mark.parametrize(
    ("value", "fields", "says"),
    [
        ({"n": 1}, {"key": "order-17", "delay": 3600}, ["key=…, delay=…", "options=SubmitOptions(key=…, delay=…)"]),
        ({}, {"key": "order-17"}, ["options=SubmitOptions(key=…)"]),
        ({"n": 1}, {"dellay": 3}, ["`dellay` is no option", "did you mean `delay`?"]),
        ({"n": 1}, {"m": 2}, ["`m` is no option", "fields go into the input"]),
        (Struct("a"), {"priority": 3}, ["options=SubmitOptions(priority=…)"]),
        (
            None,
            {"text": "a", "key": "order-17"},
            ["key=… as a field", "SubmitOptions(key=…)", 'submit(kind, {"…": …})'],
        ),
        (None, {"at": "x", "queue": "y"}, ["SubmitOptions(at=…, queue=…)"]),
        (None, {"input": {"text": "a"}}, ["input=… as a field", 'submit(kind, {"…": …})']),
        (SubmitOptions(key="a"), {}, ["write options=SubmitOptions"]),
        (SubmitOptions(key="a"), {"text": "a"}, ["write options=SubmitOptions"]),
    ],
)
def test_mixtures_are_refused_with_what_to_write(value: Any, fields: dict[str, Any], says: list[str]) -> None:
    with pytest.raises(TypeError) as refused:
        input_of(value, fields)
    assert all(part in str(refused.value) for part in says), str(refused.value)


def test_every_option_of_a_submission_can_be_said_and_none_is_taken_for_a_field() -> None:
    of_the_contract = {field.encode_name for field in msgspec.structs.fields(Submission)}
    assert set(OPTION_NAMES) == of_the_contract - {"kind", "input"}
    for name in OPTION_NAMES:
        with pytest.raises(TypeError, match=f"{name}=… as a field"):
            input_of(None, {name: "x"})


def test_what_options_say_goes_into_the_frame_and_nothing_else() -> None:
    assert option_fields(None, None) == {}
    assert option_fields(SubmitOptions(), None) == {}
    assert option_fields(SubmitOptions(key="k", delay=0), None) == {"key": "k", "delay": 0}
    assert option_fields(SubmitOptions(watch=False), None) == {"watch": False}
    assert option_fields(SubmitOptions(watch=False), True) == {}
    assert option_fields(SubmitOptions(key="k"), False) == {"key": "k", "watch": False}


@pytest.mark.parametrize(("options", "watch"), [({"key": "k"}, None), ("k", None), (None, "no"), (None, 0)])
def test_what_are_no_options_is_refused(options: Any, watch: Any) -> None:
    with pytest.raises(TypeError):
        option_fields(options, watch)
