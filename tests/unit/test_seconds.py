"""A duration is a number of seconds or a `timedelta`, wherever a program gives one; anything else is refused."""

import math
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tidings import Breaker, Context, JobDefinitionError, Retry, SubmitOptions, job
from tidings.seconds import YEAR_S, seconds_of

BAD: list[tuple[Any, type[Exception], str]] = [
    (math.nan, ValueError, "is nan s; allowed:"),
    (math.inf, ValueError, "is inf s; allowed:"),
    (-math.inf, ValueError, "is -inf s; allowed:"),
    (-1, ValueError, "is -1 s; allowed:"),
    (-0.001, ValueError, "is -0.001 s; allowed:"),
    (timedelta(seconds=-1), ValueError, "is -1 s; allowed:"),
    (YEAR_S + 1, ValueError, "allowed:"),
    (10**400, ValueError, "is inf s; allowed:"),
    (timedelta.max, ValueError, "allowed:"),
    (True, TypeError, "is True; it takes seconds as a number, or a timedelta"),
    (False, TypeError, "is False; it takes"),
    ("5", TypeError, "is '5'; it takes"),
    (b"5", TypeError, "is b'5'; it takes"),
    (Decimal(5), TypeError, "it takes seconds as a number, or a timedelta"),
    (5j, TypeError, "is 5j; it takes"),
    ([5], TypeError, "is [5]; it takes"),
]
GOOD = [
    (5, 5.0),
    (0.25, 0.25),
    (Fraction(1, 4), 0.25),
    (timedelta(minutes=2), 120.0),
    (timedelta(milliseconds=1), 0.001),
]


@pytest.mark.parametrize(("value", "seconds"), GOOD)
def test_numbers_and_timedeltas_are_seconds(value: Any, seconds: float) -> None:
    assert seconds_of("x", value) == seconds
    assert Retry(after=value).after == seconds


@pytest.mark.parametrize(("value", "error", "text"), BAD)
def test_a_retry_after_anything_else_is_refused_where_it_is_written(
    value: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as raised:
        Retry("busy", after=value)
    assert str(raised.value).startswith("Retry: after is")
    assert text in str(raised.value)


async def nothing() -> None: ...


OPTIONS = ["timeout", "cancel_grace", "unique_for", "every", "rate_per", "max_eta"]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(("value", "error", "text"), BAD)
def test_an_option_of_a_job_that_is_no_duration_is_refused(
    option: str, value: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(JobDefinitionError) as raised:
        job(name="k", unique="x", **{option: value})(nothing)
    assert str(raised.value).startswith(f"job k: {option} is")
    assert text in str(raised.value)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_a_job_may_be_a_timedelta(option: str) -> None:
    kind = job(name="k", unique="x", **{option: timedelta(seconds=90)})(nothing)  # type: ignore[call-overload]
    assert getattr(kind.policy, option) == 90.0
    assert kind.record().kind == "k"


@pytest.mark.parametrize("option", ["window", "open_for", "slow_call"])
def test_so_it_is_for_breakers(option: str) -> None:
    made = Breaker("b", **{option: timedelta(seconds=90)})  # type: ignore[arg-type]
    assert getattr(made, option) == 90.0
    for value, error, text in BAD:
        with pytest.raises(error) as raised:
            Breaker("b", **{option: value})
        assert f"breaker b: {option} is" in str(raised.value)
        assert text in str(raised.value)


@pytest.mark.parametrize("option", ["delay", "deadline"])
def test_so_it_is_for_submissions(option: str) -> None:
    assert SubmitOptions(**{option: timedelta(minutes=1)}).fields() == {option: 60.0}  # type: ignore[arg-type]
    for value, error, text in BAD:
        with pytest.raises(error) as raised:
            SubmitOptions(**{option: value})
        assert f"{option} is" in str(raised.value)
        assert text in str(raised.value)


class Orchestrator:
    """Takes note of what it is asked."""

    def __init__(self) -> None:
        self.asked: list[float | None] = []

    @property
    def saga(self) -> "Orchestrator":
        return self

    def step(self, _function: Any, _args: Any, _kwargs: Any, options: Any) -> None:
        self.asked.append(options.timeout)

    def signal(self, _name: str, timeout: float | None, _question: str) -> None:
        self.asked.append(timeout)

    def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)


def test_so_it_is_for_steps_signals_and_sleeps() -> None:
    sink = Orchestrator()
    ctx = Context(sink)  # type: ignore[arg-type]
    ctx.step(nothing, timeout=timedelta(seconds=3))
    ctx.signal("paid", timeout=timedelta(hours=1))
    ctx.sleep(timedelta(seconds=2), minutes=1)
    ctx.sleep(days=1)
    ctx.step(nothing)
    ctx.signal("paid")
    assert sink.asked == [3.0, 3600.0, 62.0, 86_400.0, None, None]
    for value, error, text in BAD:
        for call in (
            lambda value=value: ctx.step(nothing, timeout=value),
            lambda value=value: ctx.signal("paid", timeout=value),
            lambda value=value: ctx.sleep(value),
            lambda value=value: ctx.sleep(minutes=value),
        ):
            with pytest.raises(error) as raised:
                call()
            assert "is" in str(raised.value)
            assert text in str(raised.value) or "sleep" in str(raised.value)
