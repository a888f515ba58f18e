"""A job's policy: every option of `@job`, with its default, its meaning and its bounds."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import msgspec

from tidings.circuit.breaker import Breaker, breaker_of
from tidings.protocol.kinds.tier_rule import TierRule
from tidings.protocol.webhooks import WebhookRequest
from tidings.seconds import YEAR_S, Duration, seconds_of
from tidings.webhook.target_url import TargetError
from tidings.webhook.webhook_terms import UNGUARDED

from .option_checks import check_options
from .upcasts import Upcast

MAX_RETRIES = 1000
"""More is a mistake: with back-off a thousand retries take months."""

MAX_RUN_S = 86_400.0

MAX_LIMIT = 10_000
"""Jobs of one limit that run at a time; each is a member of a set in the store."""

MAX_RATE = 100_000.0

ErrorTypes = type[BaseException] | tuple[type[BaseException], ...]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How servers queue, and workers run, repeat and give up the jobs of one kind."""

    name: str = ""
    """The name of the kind; empty: the function's."""
    version: int = 1
    """The version of its input, 1 to 1,000,000. A worker takes jobs of this version, and of those in `upcast`."""
    upcast: Mapping[int, Upcast] = {}
    """An older version → a function that makes its input one of the next version: `{1: f, 2: g}` for version 3."""
    queue: str = "default"
    """The queue of its jobs. Its workers may serve different kinds: each takes the jobs of those that it serves."""
    tier: str | TierRule = "standard"
    """A class of work inside the queue, such as `fast`, `standard` and `heavy`; `by_size(…)` and `by_field(…)` choose
    it by the input."""
    run_in: Literal["auto", "process"] = "auto"
    """`auto`: `async def` in the worker's event loop, `def` in a thread; `process`: in a process of its own, which the
    worker can kill (for a plain function that keeps a core busy)."""
    timeout: float | None = None
    """Seconds one attempt may take, above 0, at most a year; None: as long as the job's deadline allows."""
    cancel_grace: float = 5.0
    """Seconds that a handler which must stop may take to clean up, 0 to 3600. After that the worker records the outcome
    without it, and kills its process if it has one. The worker ignores what the handler returns or raises once it must
    stop. When the worker itself leaves, the handler has at most 5 seconds."""
    retries: int = 0
    """How often workers repeat a failed attempt, 0 to 1000."""
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    """The exceptions after which a worker repeats the attempt; any other fails the job for good."""
    no_retry_on: tuple[type[BaseException], ...] = ()
    """Exceptions among those of `retry_on` that fail the job for good all the same."""
    max_deliveries: int = 3
    """How many workers may be lost while they run one job, 1 to 100; then the job fails, as it may be what kills
    them."""
    expose_errors: bool | None = None
    """Whether clients see the message of an exception that the handler raises; None: the worker's setting
    `expose_errors` decides, which is false except under `tidings dev`."""
    unique: str | None = None
    """A text with fields of the input in braces, such as `{carrier}`: one live job for each value."""
    unique_for: float | None = None
    """Seconds for which a live job keeps the next of its value out, above 0, at most a year; None: as long as it
    lives."""
    every: float | None = None
    """Seconds between recurring runs, above 0, at most a year; they come at whole multiples since the Unix epoch."""
    cron: str | None = None
    """A cron line of five fields, at whose times the job runs by itself."""
    timezone: str = "UTC"
    """The time zone of `cron`, by its name in the IANA database."""
    limit: int | None = None
    """How many of its jobs run at a time, over all workers, 1 to 10000; further jobs wait and hold no worker."""
    limit_by: str | None = None
    """A field of the input, such as `tenant`, or a text with fields in braces: `limit` jobs for each value."""
    rate: float | None = None
    """How many of its jobs start in `rate_per` seconds, over all workers, above 0, at most 100,000; as many may start
    at once after a pause."""
    rate_per: float = 1.0
    """The seconds of `rate`, above 0, at most a day."""
    max_eta: float | None = None
    """The longest wait, s, that a server expects for a job when it accepts it, by the rate at which the tier drains."""
    when_busy: Literal["refuse", "shed"] = "refuse"
    """What a server does where the wait is longer. `refuse`: it refuses the submission, and says after which time to
    try again. `shed`: it makes room by failing another job with the code `shed`: of all kinds with `shed` the job that
    has waited longest in the least important tier (`priority`)."""
    fallback: str | None = None
    """A kind of the same queue, to which the server submits the input where the wait is longer than `max_eta`."""
    webhook: WebhookRequest | None = None
    """Where workers send what happens to each of its jobs: a URL, or a mapping with `url`, `events` and `format`."""
    breaker: Breaker | None = None
    """The breaker that stops its jobs while the service that they call fails: a name, or a `Breaker`."""
    mcp: bool = False
    """Whether servers offer it as a tool to clients of the Model Context Protocol, at `/mcp`."""

    def faults(self) -> list[str]:
        """Return the faults of the options, each as one sentence that names the option, its value and the limit."""
        found = []
        if not 0 <= self.retries <= MAX_RETRIES:
            found.append(f"retries is {self.retries}; it must be 0 to {MAX_RETRIES}")
        if not 1 <= self.max_deliveries <= 100:
            found.append(f"max_deliveries is {self.max_deliveries}; it must be 1 to 100")
        if self.unique == "":
            found.append("unique is empty; take fields, such as {carrier}, or any word: one live job of the kind")
        if self.unique_for is not None and self.unique is None:
            found.append("unique_for says nothing without unique")
        given: object = self.mcp
        if not isinstance(given, bool):
            found.append(f"mcp is {given!r}; it must be True or False")
        found += self._tier_faults() + self._limit_faults() + self._busy_faults()
        if self.every is not None and self.cron is not None:
            found.append("every and cron are both given; a job recurs by one of them")
        if self.run_in not in ("auto", "process"):
            found.append(f"run_in is {self.run_in!r}; it must be 'auto' or 'process'")
        return found

    def _tier_faults(self) -> list[str]:
        tier: object = self.tier
        if isinstance(tier, str | TierRule):
            return []
        if callable(tier):
            how = (
                "a name, by_size(above=BYTES, then=TIER, otherwise=TIER) or by_field(NAME, above=NUMBER, then=TIER, …)"
            )
            return [f"tier is a function; a server chooses the tier of a job, and does not have your code. Write {how}"]
        return [f"tier is {tier!r}; it must be a name, by_size(…) or by_field(…)"]

    def _limit_faults(self) -> list[str]:
        found = []
        if self.limit is not None and not 1 <= self.limit <= MAX_LIMIT:
            found.append(f"limit is {self.limit}; it must be 1 to {MAX_LIMIT}")
        if self.limit_by is not None and self.limit is None:
            found.append("limit_by says nothing without limit")
        if self.limit_by == "":
            found.append("limit_by is empty; take a field of the input, or leave it out")
        if self.rate is not None and not 0 < self.rate <= MAX_RATE:
            found.append(f"rate is {self.rate:g}; allowed: above 0, at most {MAX_RATE:g}")
        return found

    def _busy_faults(self) -> list[str]:
        found = []
        if self.when_busy not in ("refuse", "shed"):
            found.append(f"when_busy is {self.when_busy!r}; it must be 'refuse' or 'shed'")
        if self.max_eta is None and (self.fallback is not None or self.when_busy != "refuse"):
            found.append("fallback and when_busy say nothing without max_eta")
        if self.fallback is not None and self.when_busy == "shed":
            found.append("fallback and when_busy='shed' are both given; a busy kind does one of them")
        return found


class JobOptions(TypedDict, total=False):
    """The options of `@job`, as their author writes them; `Policy` explains each."""

    name: str
    version: int
    upcast: Mapping[int, Upcast]
    queue: str
    tier: str | TierRule
    run_in: Literal["auto", "process"]
    timeout: Duration | None
    cancel_grace: Duration
    retries: int
    retry_on: ErrorTypes
    no_retry_on: ErrorTypes
    max_deliveries: int
    expose_errors: bool | None
    unique: str | None
    unique_for: Duration | None
    every: Duration | None
    cron: str | None
    timezone: str
    limit: int | None
    limit_by: str | None
    rate: float | None
    rate_per: Duration
    max_eta: Duration | None
    when_busy: Literal["refuse", "shed"]
    fallback: str | None
    webhook: str | Mapping[str, Any] | None
    breaker: str | Breaker | None
    mcp: bool


class _Bounds(TypedDict, total=False):
    most: float
    above: bool
    most_word: str


_DURATIONS: dict[str, _Bounds] = {
    **dict.fromkeys(
        ("timeout", "unique_for", "every", "max_eta"), _Bounds(most=YEAR_S, above=True, most_word="a year")
    ),
    "cancel_grace": _Bounds(most=3_600),
    "rate_per": _Bounds(most=MAX_RUN_S, above=True, most_word="a day"),
}
"""The options that take seconds or a `timedelta`, and their bounds."""


def policy_of(options: JobOptions) -> Policy:
    """Return the policy with these options; a single exception class becomes a tuple.

    Raises:
        TypeError: `@job` has no such option, or a value is no exception class, duration or breaker.
        ValueError: no breaker may have this name, or a duration is out of bounds.

    """
    check_options(options, tuple(JobOptions.__annotations__))
    values = dict(options)
    for name, bounds in _DURATIONS.items():
        if (value := values.get(name)) is not None:
            values[name] = seconds_of(name, value, **bounds)
    for name in ("retry_on", "no_retry_on"):
        if name in values:
            values[name] = _classes(name, values[name])
    if (breaker := options.get("breaker")) is not None:
        values["breaker"] = breaker_of(breaker)
    if (webhook := options.get("webhook")) is not None:
        values["webhook"] = webhook_of(webhook)
    return Policy(**values)  # type: ignore[arg-type]


def webhook_of(value: str | Mapping[str, Any]) -> WebhookRequest:
    """Return the webhook of a kind, from its URL or from a mapping of its fields.

    Raises:
        ValueError: a field is unknown or wrong, or the URL cannot be a webhook's.

    """
    try:
        found = msgspec.convert({"url": value} if isinstance(value, str) else dict(value), WebhookRequest)
        UNGUARDED.parse(found.url)
    except (msgspec.ValidationError, TargetError) as error:
        raise ValueError(f"webhook: {error}") from None
    return found


def _classes(name: str, value: object) -> tuple[type[BaseException], ...]:
    classes = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(one, type) and issubclass(one, BaseException) for one in classes):
        raise TypeError(f"{name} is {value!r}; it takes an exception class, or a tuple of them")
    return classes
