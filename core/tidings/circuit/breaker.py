"""A breaker as its author writes it: its name, when it opens, for how long, and what counts as a failure."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, Self

import msgspec

from tidings.errors import Reject
from tidings.seconds import seconds_of

from .breaker_record import BreakerSpec

BREAKER_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""The form of a breaker's name."""

MAX_DURATION_S: Final = 86_400.0

MAX_CALLS: Final = 1_000_000

WhenOpen = Literal["wait", "fail"]


class _Named(msgspec.Struct, frozen=True):
    name: str
    """The name under which all callers of the service share it: 1 to 64 letters, digits, `_`, `.` and `-`."""


class Breaker(_Named, frozen=True, kw_only=True):
    """When calls of one service stop, and for how long. All workers share the breaker of one name.

    Each handler or kind that uses a breaker chooses which errors count (`failures`) and what its jobs do while the
    breaker is open (`when_open`). The other options belong to the breaker itself: define it once, and import it.
    """

    failure_rate: float = 0.5
    """It opens when this share of the calls in the window fails: above 0, at most 1."""
    window: float = 30.0
    """Seconds over which it counts calls, 0.1 to 86400; a tenth of them leaves at a time."""
    min_calls: int = 20
    """It does not open with fewer calls in the window, 1 to 1000000."""
    slow_call: float | None = None
    """Seconds from which on a call is slow, whether it fails or not; None: no call is."""
    slow_rate: float = 0.5
    """It also opens when this share of the calls in the window is slow: above 0, at most 1."""
    open_for: float = 10.0
    """Seconds for which it stays open before one call may try, 0.01 to 86400."""
    when_open: WhenOpen = "wait"
    """`wait`: a job goes back into the schedule, uses no attempt, and runs when the breaker has closed; `fail`: it
    fails at once with `circuit_open`, and servers refuse submissions."""
    failures: tuple[type[BaseException], ...] = (Exception,)
    """The exceptions that count as failures of the service; `Reject` counts only if it stands here. An attempt that
    takes longer than its `timeout` counts as a `TimeoutError`."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ValueError: a number is out of its bounds, or the name has another form.
            TypeError: `failures` has no exception classes, or a duration is none.

        """
        given: object = self.failures
        failures = given if isinstance(given, tuple) else (given,)
        if not all(isinstance(one, type) and issubclass(one, BaseException) for one in failures):
            raise TypeError(f"breaker {self.name}: failures is {given!r}; it takes exception classes")
        msgspec.structs.force_setattr(self, "failures", failures)
        for name, least in (("window", 0.1), ("open_for", 0.01), ("slow_call", 0.001)):
            value = getattr(self, name)
            if value is not None or name != "slow_call":
                seconds = seconds_of(f"breaker {self.name}: {name}", value, least=least, most=MAX_DURATION_S)
                msgspec.structs.force_setattr(self, name, seconds)
        for fault in _faults(self):
            raise ValueError(f"breaker {self.name}: {fault}")

    @classmethod
    def from_other_process(cls, name: str, spec: BreakerSpec, slow_call: float | None, when_open: WhenOpen) -> Self:
        """Return a breaker that another process defines; only that process knows which errors count."""
        return cls(
            name,
            failure_rate=spec.failure_rate,
            window=spec.window_ms / 1000,
            min_calls=spec.min_calls,
            slow_call=slow_call,
            slow_rate=spec.slow_rate,
            open_for=spec.open_ms / 1000,
            when_open=when_open,
        )

    @property
    def spec(self) -> BreakerSpec:
        """The options that belong to the breaker itself, as the store takes them."""
        return BreakerSpec(
            float(self.failure_rate),
            round(self.window * 1000),
            self.min_calls,
            round((self.slow_call or 0) * 1000),
            float(self.slow_rate),
            round(self.open_for * 1000),
        )

    @property
    def is_name_only(self) -> bool:
        """Whether it has nothing but a name: then the worker's definition of that name counts, if it has one."""
        return msgspec.structs.replace(self, name="x") == _PLAIN

    def counts(self, error: type[BaseException]) -> bool:
        """Return whether an exception of this class counts as a failure of the service."""
        if issubclass(error, Reject):
            return any(issubclass(one, Reject) and issubclass(error, one) for one in self.failures)
        return issubclass(error, self.failures)


def breaker_of(value: "str | Breaker") -> Breaker:
    """Return a breaker as it is, or one with nothing but a name.

    Raises:
        ValueError: no breaker may have this name.
        TypeError: `value` is neither a name nor a breaker.

    """
    if isinstance(value, Breaker):
        return value
    if not isinstance(value, str):
        raise TypeError(f"breaker is {value!r}; it takes a name, or a Breaker")
    return Breaker(value)


def definition_among(defined: Mapping[str, Breaker], breaker: str | Breaker) -> Breaker:
    """Return a breaker; for one with nothing but a name, the definition that stands under that name, if one does."""
    meant = breaker_of(breaker)
    return defined.get(meant.name, meant) if meant.is_name_only else meant


def definitions_of(breakers: Iterable[Breaker | None]) -> dict[str, Breaker]:
    """Return the breaker that is defined under each name.

    Raises:
        ValueError: two breakers of one name have different numbers.

    """
    found: dict[str, Breaker] = {}
    for breaker in breakers:
        if breaker is None or breaker.is_name_only:
            continue
        other = found.setdefault(breaker.name, breaker)
        if other.spec != breaker.spec:
            raise ValueError(
                f"the breaker {breaker.name!r} is defined twice, with different numbers: define it once and import it"
            )
    return found


def _faults(breaker: Breaker) -> list[str]:
    found = []
    if not BREAKER_NAME.fullmatch(str(breaker.name)):
        found.append("a name has 1 to 64 letters, digits, `_`, `.` and `-`, and begins with none of the last two")
    for name in ("failure_rate", "slow_rate"):
        value = getattr(breaker, name)
        if not isinstance(value, int | float) or not 0 < value <= 1:
            found.append(f"{name} is {value}; allowed: above 0, at most 1")
    if not 1 <= breaker.min_calls <= MAX_CALLS:
        found.append(f"min_calls is {breaker.min_calls}; allowed: 1 to {MAX_CALLS}")
    if breaker.when_open not in ("wait", "fail"):
        found.append(f"when_open is {breaker.when_open!r}; it must be 'wait' or 'fail'")
    return found


_PLAIN = Breaker("x")
