"""A breaker as its author writes it: what is refused, and what counts as a failure."""

import re
from pathlib import Path
from typing import Any

import pytest

from tidings import Breaker, CircuitOpenError, JobDefinitionError, Reject, Retry, job
from tidings.circuit.breaker import breaker_of, definitions_of
from tidings.circuit.breaker_record import BreakerSpec
from tidings.circuit.call_guard import call_result, failure_text
from tidings.errors import StoppedError
from tidings_worker.loading.loader import LoadError, load_jobs
from tidings_worker.outcome.errors import (
    FinalError,
    ProcessEndedError,
    TransportedError,
    breaker_result_of,
    checked_circuit_error,
    result_too_large,
)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"failure_rate": 0}, "failure_rate is 0; allowed: above 0, at most 1"),
        ({"slow_rate": 1.5}, "slow_rate is 1.5; allowed: above 0, at most 1"),
        ({"failure_rate": "half"}, "failure_rate is half; allowed"),
        ({"window": 0.05}, "window is 0.05 s; allowed: 0.1 to 86400"),
        ({"open_for": float("inf")}, "open_for is inf s; allowed: 0.01 to 86400"),
        ({"slow_call": 0}, "slow_call is 0 s; allowed: 0.001 to 86400"),
        ({"min_calls": 0}, "min_calls is 0; allowed: 1 to 1000000"),
        ({"when_open": "panic"}, "when_open is 'panic'; it must be 'wait' or 'fail'"),
    ],
)
def test_what_cannot_work_is_refused_with_the_field_and_the_limit(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"breaker payments: {text}")):
        Breaker("payments", **options)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a" * 65, "a{b}", "ä"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name has 1 to 64"):
        breaker_of(name)
    with pytest.raises(JobDefinitionError, match="job handler: breaker"):
        job(breaker=name)(handler)


def test_what_is_no_breaker_is_refused() -> None:
    with pytest.raises(JobDefinitionError, match="breaker is 5; it takes a name, or a Breaker"):
        job(breaker=5)(handler)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="failures is 5; it takes exception classes"):
        Breaker("x", failures=5)  # type: ignore[arg-type]


async def handler() -> None:
    """Be a handler."""


def test_a_plain_name_takes_the_defaults_and_one_class_is_enough() -> None:
    plain = breaker_of("payments")
    assert plain.is_name_only
    assert plain.spec == BreakerSpec(0.5, 30_000, 20, 0, 0.5, 10_000)
    assert Breaker("x", failures=OSError).failures == (OSError,)  # type: ignore[arg-type]
    assert not Breaker("x", failures=(OSError,)).is_name_only


def test_it_is_told_to_the_servers() -> None:
    record = job(breaker=Breaker("payments", when_open="fail"))(handler).record()
    assert (record.breaker, record.when_open) == ("payments", "fail")


class Declined(Reject):
    """A rejection of a user's own."""


DOWN = Breaker("x", failures=(OSError,))
ALL = Breaker("x")
STRICT = Breaker("x", failures=(OSError, Reject))


@pytest.mark.parametrize(
    ("breaker", "error", "result"),
    [
        (ALL, None, "ok"),
        (ALL, ValueError(), "failures"),
        (ALL, Retry(), "failures"),
        (ALL, Reject("no"), "ok"),
        (ALL, Declined("no"), "ok"),
        (STRICT, Declined("no"), "failures"),
        (DOWN, ConnectionError(), "failures"),
        (DOWN, ValueError(), "ok"),  # the service has answered
        (ALL, StoppedError(), "void"),
        (ALL, CircuitOpenError("y", 1), "void"),
        (ALL, KeyboardInterrupt(), "void"),
    ],
)
def test_what_a_call_says_of_the_service(breaker: Breaker, error: BaseException | None, result: str) -> None:
    assert call_result(breaker, error) == result


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (result_too_large(2, 1), "void"),
        (ProcessEndedError("killed"), "void"),
        (TransportedError("X", "x", may_be_retried=True, counts=True), "failures"),
        (TransportedError("X", "x", may_be_retried=True, counts=False), "ok"),
        (ValueError(), "failures"),
    ],
)
def test_what_an_attempt_says_of_it(error: BaseException, result: str) -> None:
    assert isinstance(result_too_large(2, 1), FinalError)
    assert breaker_result_of(ALL, error) == result


class NastyError(Exception):
    """Cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError


def test_a_failure_without_a_text_has_its_name() -> None:
    assert failure_text(NastyError()) == "NastyError"
    assert len(failure_text(ValueError("x" * 1_000))) == 200


class OddError(CircuitOpenError):
    """Holds what it should not."""

    def __init__(self, *values: Any) -> None:
        self.breaker, self.retry_after, self.when_open = values


@pytest.mark.parametrize(
    ("values", "clean"),
    [
        ((5, "soon", None), ("unknown", 0.0, "wait")),
        (("a{b}", float("nan"), "fail"), ("unknown", 0.0, "fail")),
        (("x", float("inf"), "wait"), ("x", 86_400.0, "wait")),
    ],
)
def test_whatever_a_handler_puts_into_the_error_it_is_readable(values: Any, clean: Any) -> None:
    error = checked_circuit_error(OddError(*values))
    assert (error.breaker, error.retry_after, error.when_open) == clean


def test_one_name_has_one_definition() -> None:
    first, again = Breaker("x", min_calls=5), Breaker("x", min_calls=5, when_open="fail")
    assert definitions_of([None, breaker_of("x"), first, again]) == {"x": first}
    with pytest.raises(ValueError, match="'x' is defined twice"):
        definitions_of([first, Breaker("x", min_calls=6)])


def test_a_worker_with_two_definitions_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(
        "from tidings import Breaker, job\n"
        "@job(breaker=Breaker('x', min_calls=1))\nasync def one() -> None: ...\n"
        "@job(breaker=Breaker('x', min_calls=2))\nasync def two() -> None: ...\n"
    )
    with pytest.raises(LoadError, match="define it once and import it"):
        load_jobs([str(tmp_path / "twice.py")])
