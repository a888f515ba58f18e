"""A breaker as its author writes it: its name, when it opens, for how long, and what counts as a failure."""

import re
from collections.abc import Iterable
from typing import Final, Literal, Self

import msgspec

from tidings.errors import Reject
from tidings.seconds import seconds_of

from .breaker_record import BreakerSpec

BREAKER_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a breaker may be called."""

MAX_DURATION_S: Final = 86_400.0

MAX_CALLS: Final = 1_000_000

WhenOpen = Literal["wait", "fail"]


class _Named(msgspec.Struct, frozen=True):
    name: str
    """What all who call the service call it: 1 to 64 letters, digits, `_`, `.` and `-`."""


class Breaker(_Named, frozen=True, kw_only=True):
    """When calls of one service stop, and for how long. Breakers of one name are one, over all workers.

    What counts (`failures`) and what is done while it is open (`when_open`) is the choice of whoever uses it; the
    rest belongs to the breaker: define it once, and import it where it is used.
    """

    failure_rate: float = 0.5
    """It opens when so many of the calls in the window fail: above 0, at most 1."""
    window: float = 30.0
    """Seconds that are looked back, 0.1 to 86400; counted in tenths of it."""
    min_calls: int = 20
    """With fewer calls in the window it does not open, 1 to 1000000."""
    slow_call: float | None = None
    """A call that takes so many seconds is slow, whatever comes of it; None: none is."""
    slow_rate: float = 0.5
    """It opens too when so many of the calls in the window are slow: above 0, at most 1."""
    open_for: float = 10.0
    """Seconds that it stays open before one call may try, 0.01 to 86400."""
    when_open: WhenOpen = "wait"
    """`wait`: a job goes back into the schedule, without an attempt used, and runs when the breaker has closed;
    `fail`: it fails at once with `circuit_open`, and submissions are refused."""
    failures: tuple[type[BaseException], ...] = (Exception,)
    """The exceptions that count as failures of the service; `Reject` only if it is named. An attempt that takes
    longer than its `timeout` counts as a `TimeoutError`."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            ValueError: a number is out of its bounds, or the name is none.
            TypeError: what should be exceptions, or a duration, is not.

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
        """Return a breaker that was defined in another process; what counts is known only there."""
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
        """What belongs to the breaker itself, as the store takes it."""
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
        """Whether it says nothing but its name: then the definition of that name counts, if there is one."""
        return msgspec.structs.replace(self, name="x") == _PLAIN

    def counts(self, error: type[BaseException]) -> bool:
        """Return whether an exception of this class counts as a failure of the service."""
        if issubclass(error, Reject):
            return any(issubclass(one, Reject) and issubclass(error, one) for one in self.failures)
        return issubclass(error, self.failures)


def breaker_of(value: "str | Breaker") -> Breaker:
    """Return the breaker that a name or a definition says.

    Raises:
        ValueError: the name is none.
        TypeError: it is neither.

    """
    if isinstance(value, Breaker):
        return value
    if not isinstance(value, str):
        raise TypeError(f"breaker is {value!r}; it takes a name, or a Breaker")
    return Breaker(value)


def definitions_of(breakers: Iterable[Breaker | None]) -> dict[str, Breaker]:
    """Return what is defined under each name.

    Raises:
        ValueError: two breakers of one name do not go by the same numbers.

    """
    found: dict[str, Breaker] = {}
    for breaker in breakers:
        if breaker is None or breaker.is_name_only:
            continue
        other = found.setdefault(breaker.name, breaker)
        if other.spec != breaker.spec:
            raise ValueError(
                f"the breaker {breaker.name!r} is defined twice, by other numbers: define it once and import it"
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
