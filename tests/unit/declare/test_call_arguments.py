"""Arguments as a handler takes them become the input of a job; one object alone may be the whole input."""

import dataclasses
from typing import Any, Literal, TypedDict

import msgspec
import pytest

from tidings import Context, Job, JobDefinitionError, declare_kind, job


class Order(msgspec.Struct):
    item: str
    amount: int = 1


@dataclasses.dataclass
class Data:
    item: str


class Fields(TypedDict):
    item: str


TEA = Order("tea")


@job
async def whole(ctx: Context, order: Order) -> None:
    raise NotImplementedError


@job
async def whole_by_default(order: Order = TEA) -> None:
    raise NotImplementedError


@job
async def parts(item: str, amount: int = 1) -> None:
    raise NotImplementedError


@job
async def late_context(item: str, ctx: Context) -> None:
    raise NotImplementedError


def first(hint: Any) -> Job[..., Any]:
    async def handler(data: Any, more: int = 0) -> None:
        raise NotImplementedError

    handler.__annotations__["data"] = hint
    return Job(handler)


def test_the_one_argument_that_is_the_whole_input_becomes_it_however_it_is_given() -> None:
    order = Order("tea")
    assert whole.input_of((order,), {}) is order
    assert whole.input_of((), {"order": order}) is order
    assert whole.input_of(({"item": "tea"},), {}) == {"item": "tea"}
    assert whole_by_default.input_of((), {}) == {}


def test_the_context_is_no_argument_wherever_it_stands() -> None:
    assert late_context.input_of(("tea",), {}) == {"item": "tea"}
    with pytest.raises(TypeError, match="too many positional arguments"):
        late_context.input_of(("tea", 3), {})


@pytest.mark.parametrize("value", [{"item": "tea"}, {}, Order("tea"), Data("tea")])
def test_one_object_alone_is_the_whole_input(value: Any) -> None:
    assert parts.input_of((value,), {}) is value


def test_a_mapping_beside_other_arguments_is_an_argument() -> None:
    value = {"item": "tea"}
    assert parts.input_of((value, 3), {}) == {"item": value, "amount": 3}


@pytest.mark.parametrize("hint", [dict[str, int], Order, Fields, Order | None, Any, list[int] | dict[str, int]])
def test_a_mapping_that_may_be_the_input_or_the_first_argument_is_refused_with_what_to_write(hint: Any) -> None:
    kind = first(hint)
    with pytest.raises(TypeError, match=r"may be the whole input, or the argument data: write data=…"):
        kind.input_of(({"data": {}},), {})
    assert kind.input_of((), {"data": {}}) == {"data": {}}


@pytest.mark.parametrize("hint", [str, int | None, list[dict[str, int]], Literal["a", 1], None])
def test_a_mapping_that_the_first_argument_cannot_be_is_the_input(hint: Any) -> None:
    assert first(hint).input_of(({"data": None},), {}) == {"data": None}


def test_one_object_is_the_whole_input_of_a_job_without_parameters() -> None:
    bare = declare_kind("bare")(lambda: None)
    assert bare.input_of(({},), {}) == {}
    assert bare.input_of((), {}) == {}


def test_an_object_that_the_first_argument_may_be_is_that_argument() -> None:
    order = Order("tea")
    assert first(Order).input_of((order,), {}) == {"data": order}


def test_a_declaration_that_no_object_can_fill_is_refused() -> None:
    with pytest.raises(JobDefinitionError, match="job far"):
        declare_kind("far")(lambda *items: items)
