"""A job's policy: every option of `@job`, with its default, its meaning and its bounds."""

from typing import Literal, TypedDict

import msgspec

from .breaker.policy import Breaker, breaker_of

YEAR_S = 31_536_000.0

MAX_RETRIES = 1000
"""More is a mistake: with back-off a thousand retries take months."""

Errors = type[BaseException] | tuple[type[BaseException], ...]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How the jobs of one kind are queued, run, repeated and given up."""

    name: str = ""
    """The kind under which it is registered; empty: the function's name."""
    version: int = 1
    """The version of its input, from 1."""
    queue: str = "default"
    """Where its jobs wait; all workers of one queue must serve the same kinds."""
    tier: str = "normal"
    """A class of work inside the queue."""
    run_in: Literal["auto", "process"] = "auto"
    """`auto`: `async def` in the worker's event loop, `def` in a thread; `process`: a process of its own, which can
    be killed (for a plain function that keeps a core busy)."""
    timeout: float | None = None
    """Seconds one attempt may take; None: as long as the job's deadline allows."""
    cancel_grace: float = 5.0
    """Seconds a handler that must stop may take to clean up; then its outcome is recorded without it, and a process
    is killed. What it returns or raises after it was told to stop does not count. 5 at the most when the worker
    itself leaves."""
    retries: int = 0
    """How often a failed attempt is repeated, 0 to 1000."""
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    """The exceptions after which an attempt is repeated; any other fails the job for good."""
    no_retry_on: tuple[type[BaseException], ...] = ()
    """Exceptions among them after which it is not."""
    max_deliveries: int = 3
    """How many workers may be lost while they run one job, before it is taken for what kills them."""
    expose_errors: bool = False
    """Whether clients see the message of an exception that the handler raises."""
    unique: str | None = None
    """A text with fields of the input in braces, such as `{carrier}`: one live job for each value."""
    unique_for: float | None = None
    """Seconds after which a job that still lives no longer stands in the way of the next; None: as long as it lives."""
    every: float | None = None
    """Seconds between recurring runs, at whole multiples since the epoch (UTC)."""
    cron: str | None = None
    """A cron line of five fields: when it runs by itself."""
    timezone: str = "UTC"
    """The time zone of `cron`, by its name in the IANA database."""
    breaker: Breaker | None = None
    """What stops its jobs while the service that they call fails: a name, or a `Breaker`."""

    def faults(self) -> list[str]:
        """Return what cannot work, each as one sentence that names the option, its value and the limit."""
        found = []
        for name in ("timeout", "unique_for", "every"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= YEAR_S:
                found.append(f"{name} is {value} s; allowed: above 0, at most a year")
        if not 0 <= self.cancel_grace <= 3_600:
            found.append(f"cancel_grace is {self.cancel_grace} s; allowed: 0 to 3600")
        if not 0 <= self.retries <= MAX_RETRIES:
            found.append(f"retries is {self.retries}; it must be 0 to {MAX_RETRIES}")
        if not 1 <= self.max_deliveries <= 100:
            found.append(f"max_deliveries is {self.max_deliveries}; it must be 1 to 100")
        if self.unique == "":
            found.append("unique is empty; take fields, such as {carrier}, or any word: one live job of the kind")
        if self.unique_for is not None and self.unique is None:
            found.append("unique_for says nothing without unique")
        if self.every is not None and self.cron is not None:
            found.append("every and cron are both given; a job recurs by one of them")
        if self.run_in not in ("auto", "process"):
            found.append(f"run_in is {self.run_in!r}; it must be 'auto' or 'process'")
        return found


class JobOptions(TypedDict, total=False):
    """The options of `@job`, as its caller writes them; `Policy` says what each means."""

    name: str
    version: int
    queue: str
    tier: str
    run_in: Literal["auto", "process"]
    timeout: float | None
    cancel_grace: float
    retries: int
    retry_on: Errors
    no_retry_on: Errors
    max_deliveries: int
    expose_errors: bool
    unique: str | None
    unique_for: float | None
    every: float | None
    cron: str | None
    timezone: str
    breaker: str | Breaker | None


def policy_of(options: JobOptions) -> Policy:
    """Return the policy that the options say; a single exception class becomes a tuple.

    Raises:
        TypeError: an option is not known, or what should be exceptions, or a breaker, is not.
        ValueError: a breaker's name is none.

    """
    values = dict(options)
    for name in ("retry_on", "no_retry_on"):
        if name in values:
            values[name] = _classes(name, values[name])
    if (breaker := options.get("breaker")) is not None:
        values["breaker"] = breaker_of(breaker)
    return Policy(**values)  # type: ignore[arg-type]


def _classes(name: str, value: object) -> tuple[type[BaseException], ...]:
    classes = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(one, type) and issubclass(one, BaseException) for one in classes):
        raise TypeError(f"{name} is {value!r}; it takes an exception class, or a tuple of them")
    return classes
