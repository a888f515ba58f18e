"""Upcasts: an input of any older version becomes one of the newest, step by step, and nothing else is accepted."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import job
from tidings.declare.job import JobDefinitionError
from tidings.declare.upcasts import MAX_VERSION, UpcastError, Upcasts


def marking(number: int) -> Any:
    return lambda old: {**old, "passed": [*old.get("passed", []), number]}


@given(newest=st.integers(1, 30), data=st.data())
def test_an_input_passes_each_version_from_its_own_to_the_newest_once_and_in_order(newest: int, data: Any) -> None:
    oldest = data.draw(st.integers(1, newest))
    upcasts = Upcasts(newest, {number: marking(number) for number in range(oldest, newest)})
    version = data.draw(st.integers(oldest, newest))
    raw = upcasts.bring_up(msgspec.Raw(b'{"a":1}'), version)
    expected: dict[str, Any] = {"a": 1}
    if version < newest:
        expected["passed"] = list(range(version, newest))
    assert msgspec.json.decode(raw) == expected
    assert [number for number in range(newest + 3) if upcasts.takes(number)] == list(range(oldest, newest + 1))


def test_an_input_of_the_newest_version_is_not_read_again() -> None:
    raw = msgspec.Raw(b"not even JSON")
    assert Upcasts(3, {1: marking(1), 2: marking(2)}).bring_up(raw, 3) is raw


def fails(old: dict[str, Any]) -> dict[str, Any]:
    raise KeyError(old["secret"])


@pytest.mark.parametrize(
    ("upcast", "said"),
    [
        (fails, "the upcast of version 1 raised an error; its text is in the worker's log"),
        (lambda _: [1], "the upcast of version 1 returned list, not a dict"),
        (lambda _: None, "the upcast of version 1 returned NoneType, not a dict"),
        (lambda _: {"a": object()}, "what the upcasts made of the input has no form in JSON"),
    ],
)
def test_an_upcast_that_fails_is_named_without_what_it_says(upcast: Any, said: str) -> None:
    with pytest.raises(UpcastError) as caught:
        Upcasts(2, {1: upcast}).bring_up(b'{"secret":"password"}', 1)
    assert str(caught.value) == said


async def waits(old: dict[str, Any]) -> dict[str, Any]:
    return old


@pytest.mark.parametrize(
    ("version", "upcast", "said"),
    [
        (
            3,
            {1: marking(1)},
            "upcast has no function for version 2: an input of version 1 must pass every version up to 3",
        ),
        (2, {2: marking(2)}, "upcast has the version 2; it takes older versions: 1 to 1"),
        (2, {0: marking(0), 1: marking(1)}, "upcast has the version 0; it takes older versions: 1 to 1"),
        (2, {1: "no"}, "upcast[1] is 'no'; it must be a function that takes and returns a dict"),
        (2, {1: waits}, "upcast[1] is an async function; it must be a plain one: an upcast does not wait"),
        (0, {}, f"version is 0; it must be 1 to {MAX_VERSION}"),
        (MAX_VERSION + 1, {}, f"version is {MAX_VERSION + 1}; it must be 1 to {MAX_VERSION}"),
    ],
)
def test_versions_and_upcasts_that_cannot_work_are_refused_where_they_are_written(
    version: int, upcast: Any, said: str
) -> None:
    with pytest.raises(JobDefinitionError) as caught:

        @job(version=version, upcast=upcast)
        async def order(amount: int) -> None: ...

    assert str(caught.value) == f"job order: {said}"


async def _order(amount: int) -> None: ...


def test_upcasts_must_be_a_mapping() -> None:
    with pytest.raises(JobDefinitionError, match="upcast is \\[\\]; it must be a mapping of versions to functions"):
        job(version=2, upcast=[])(_order)  # type: ignore[call-overload]
