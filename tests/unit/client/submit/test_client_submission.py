"""A call of `submit` by a `@job`: arguments become the input, options come before, the result is read by its type."""

from typing import Any

import msgspec
import pytest

from tidings import Context, SubmitOptions, declare_kind, job
from tidings.client.submit.client_submission import UNSET, checked_options, submission_of

UNSAID = {"options": UNSET, "watch": UNSET}


class Parcel(msgspec.Struct):
    weight: int


@job
async def price(ctx: Context, item: str, amount: int = 1) -> Parcel:
    return Parcel(len(item) * amount)


@job
async def look(item: str, *, watch: bool | None = True, options: str = "") -> None:
    assert item, (watch, options)


@declare_kind("far.away")
def far_away(*, item: str, amount: int | msgspec.UnsetType = msgspec.UNSET) -> Parcel:
    raise NotImplementedError


def test_the_arguments_of_a_job_are_its_input_and_defaults_stay_with_the_worker() -> None:
    assert submission_of(price, ("tea",), UNSAID, {})[:2] == ("price", {"item": "tea"})
    assert submission_of(price, ("tea",), UNSAID, {"amount": 3}).input == {"item": "tea", "amount": 3}


def test_a_declared_kind_is_submitted_by_its_name_and_what_is_unset_is_not_sent() -> None:
    assert submission_of(far_away, (), UNSAID, {"item": "tea"})[:2] == ("far.away", {"item": "tea"})
    assert submission_of(far_away, (), UNSAID, {"item": "tea", "amount": msgspec.UNSET}).input == {"item": "tea"}


def test_the_result_is_read_as_the_type_of_the_job() -> None:
    for kind in (price, far_away):
        read = submission_of(kind, ("tea",) if kind is price else (), UNSAID, {} if kind is price else {"item": "t"})
        assert read.read_result is not None
        assert read.read_result({"weight": 3}) == Parcel(3)
        with pytest.raises(msgspec.ValidationError, match="weight"):
            read.read_result({"weight": "three"})
    assert submission_of("price", (), UNSAID, {"item": "tea"}).read_result is None


@pytest.mark.parametrize(
    ("args", "fields", "says"),
    [
        ((), {}, "job price: missing a required argument: 'item'"),
        (("tea",), {"itm": 1}, "unexpected keyword argument 'itm'; it takes (item: str, amount: int = 1)"),
        (("tea", 1, 2), {}, "too many positional arguments"),
    ],
)
def test_arguments_that_the_handler_does_not_take_are_refused(args: Any, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError) as refused:
        submission_of(price, args, UNSAID, fields)
    assert says in str(refused.value)


@pytest.mark.parametrize("said", [{"options": SubmitOptions(delay=3)}, {"watch": False}, {"watch": None}])
def test_options_beside_the_arguments_of_a_job_are_refused_with_what_to_write(said: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"client\.with_options\(SubmitOptions\(…\)\)\.submit\(price, …\)"):
        submission_of(price, ("tea",), {**UNSAID, **said}, {})


def test_a_job_may_have_arguments_by_the_names_of_options() -> None:
    found = submission_of(look, ("tea",), {"options": "all", "watch": None}, {})
    assert found.input == {"item": "tea", "options": "all", "watch": None}
    assert (found.options, found.watch) == (None, None)


def test_a_name_has_one_input() -> None:
    with pytest.raises(TypeError, match="takes one input, or its fields by name; this has 2"):
        submission_of("price", ({}, {}), UNSAID, {})


def test_options_of_a_call_by_name_replace_those_set_before() -> None:
    before, own = SubmitOptions(delay=3), SubmitOptions(key="k")
    assert submission_of(price, ("tea",), UNSAID, {}).with_default(before).options is before
    assert submission_of("price", (), {"options": own, "watch": UNSET}, {}).with_default(before).options is own


def test_only_options_are_options() -> None:
    wrong: Any = {"delay": 3}
    with pytest.raises(TypeError, match=r"with_options\(\) takes SubmitOptions\(…\), not a dict"):
        checked_options(wrong)
