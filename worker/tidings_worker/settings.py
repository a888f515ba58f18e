"""The settings of a worker."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from tidings.settings.settings import (
    Bytes,
    Count,
    Seconds,
    StoreSettings,
    WebhookAllow,
    WebhookCallersFile,
    WebhookHttp,
)
from tidings.webhook.address_rules import AddressRules
from tidings.webhook.caller_file import check_secrets, read_callers

SchemaPolicy = Literal["refuse", "warn", "off"]
"""What a worker does where a kind has changed so that it breaks something."""

DivergedPolicy = Literal["fail", "hold"]
"""What a worker does with a saga that its code does not fit."""


class WorkerSettings(StoreSettings, frozen=True, kw_only=True):
    """What `tidings work` takes."""

    modules: Annotated[
        tuple[str, ...],
        Meta(description="The modules with jobs: dotted names, or paths of Python files."),
    ] = ()
    name: Annotated[
        str,
        Meta(description="The worker's name, unique among all; empty: host, process id and a random part."),
    ] = ""
    slots: Annotated[Count, Meta(description="Jobs that run at a time, in each queue.")] = 100
    tiers: Annotated[
        tuple[str, ...],
        Meta(
            description="The tiers that are served and the slots each owns, in each queue, the fastest first, such as "
            "`fast=8,standard=4,heavy=1`; what one does not use is lent to others. Empty: all tiers, from one pool of "
            "`slots`, which means nothing otherwise."
        ),
    ] = ()
    threads: Annotated[
        Count,
        Meta(
            description="Plain functions among them that run at a time, in each queue; one that does not stop keeps "
            "its thread. More are left to other workers."
        ),
    ] = 16
    processes: Annotated[
        Annotated[int, Meta(ge=0, le=1_000)],
        Meta(
            description='Child processes for jobs with `run_in="process"`, one job at a time each, started when '
            "they are wanted; 0: as many as the machine has cores. More jobs are left to other workers."
        ),
    ] = 0
    lease_s: Annotated[
        Seconds,
        Meta(description="How long a job is left to a worker without a heartbeat; then another worker takes it over."),
    ] = 10.0
    heartbeat_s: Annotated[Seconds, Meta(description="Time between two heartbeats; at most a third of the lease.")] = (
        2.0
    )
    blocked_s: Annotated[
        Seconds,
        Meta(
            description="How long a handler that blocks the event loop keeps the worker's jobs: meanwhile a thread "
            "renews their leases, and `loop_blocked` in the log says which handler it is. Then other workers take them."
        ),
    ] = 300.0
    warn_blocked_s: Annotated[
        Seconds,
        Meta(
            description="How long a handler may block the event loop before `loop_blocked` in the log says which, and "
            "at which line; at the latest after a heartbeat. `tidings dev` sets 1."
        ),
    ] = 2.0
    sweep_s: Annotated[
        Seconds, Meta(description="Time between two sweeps of what dead workers left in the store; about.")
    ] = 30.0
    grace_s: Annotated[
        Annotated[float, Meta(ge=0, le=86_400, extra={"unit": "s"})],
        Meta(description="How long running jobs get to finish when the worker is asked to stop."),
    ] = 10.0
    lifespan_enter_s: Annotated[
        Seconds,
        Meta(description="How long entering the lifespans of the modules may take; then the worker ends."),
    ] = 60.0
    lifespan_leave_s: Annotated[
        Annotated[float, Meta(ge=0, le=86_400, extra={"unit": "s"})],
        Meta(
            description="How long leaving the lifespans may take when the last job has ended; then they are cancelled."
        ),
    ] = 5.0
    schema_check: Annotated[
        SchemaPolicy,
        Meta(
            description="What the worker does at its start where a kind has changed so that it breaks queued inputs, "
            "clients or readers of results, and its version is the same: `refuse`: it ends, and says why; `warn`: it "
            "logs `schema_breaks` and serves the kind; `off`: it does not look. `tidings dev` sets `warn`."
        ),
    ] = "refuse"
    saga_diverged: Annotated[
        DivergedPolicy,
        Meta(
            description="What the worker does with a saga that has taken other steps than its handler takes: `fail`: "
            "it fails (`saga_diverged`) and undoes its work; `hold`: it waits, and says why, for a worker with other "
            "code or for `tidings saga release`. Give all workers of a queue the same."
        ),
    ] = "fail"
    expose_errors: Annotated[
        bool,
        Meta(
            description="Whether clients see the message of an exception that a handler raises, for kinds that do not "
            "say `expose_errors` themselves. `tidings dev` sets it."
        ),
    ] = False
    max_result_bytes: Annotated[Bytes, Meta(description="Size of a result as JSON.")] = 1_048_576
    max_chunk_bytes: Annotated[
        Annotated[int, Meta(ge=256, le=65_000, extra={"unit": "bytes"})],
        Meta(description="Size of one chunk, of the log or of a stream, or of one progress, as JSON."),
    ] = 65_000
    max_stream_bytes: Annotated[
        Annotated[int, Meta(ge=1_024, le=268_435_456, extra={"unit": "bytes"})],
        Meta(
            description="Size of all streams of one job, as JSON with 2 bytes more for each chunk; beyond it a handler "
            "gets an error."
        ),
    ] = 16_777_216
    max_log_bytes: Annotated[Bytes, Meta(description="Size of one job's log; beyond it the older half is dropped.")] = (
        4_194_304
    )
    compact_records: Annotated[
        bool,
        Meta(
            description="Whether jobs that succeed leave a compact record, which takes less than half of the store's "
            "memory. Releases that do not know this setting cannot read one: switch it on when all servers and workers "
            "know it."
        ),
    ] = False
    event_slots: Annotated[
        Count,
        Meta(description="Events that handlers of one group handle at a time, in each queue whose kinds it follows."),
    ] = 32
    metrics_port: Annotated[
        Annotated[int, Meta(ge=0, le=65_535)],
        Meta(description="The TCP port on which this worker serves `/metrics` and `/healthz`; 0: it does not."),
    ] = 0
    metrics_host: Annotated[str, Meta(description="The address to listen on for that.")] = "127.0.0.1"
    progress_per_s: Annotated[
        Annotated[float, Meta(gt=0, le=1_000, extra={"unit": "events a second"})],
        Meta(description="Progress events of one job that reach its watchers; beyond that the newest wins."),
    ] = 20.0

    webhooks: Annotated[
        bool,
        Meta(
            description="Whether this worker delivers to webhooks, for all queues; it then needs no modules. "
            "Wants `webhook_secrets`."
        ),
    ] = False
    webhook_secrets: Annotated[
        tuple[str, ...],
        Meta(
            description="The secrets that sign deliveries (`tidings webhook secret` makes one): each adds a signature, "
            "so that one can take the place of another without a gap; at most 4. A secret: it has no flag.",
            extra={"secret": True},
        ),
    ] = ()
    webhook_callers_file: WebhookCallersFile = ""
    webhook_allow: WebhookAllow = ()
    webhook_http: WebhookHttp = False
    webhook_proxies: Annotated[
        bool,
        Meta(
            description="Whether deliveries take the proxies of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. The proxy "
            "then resolves names and dials, and has to refuse private addresses itself."
        ),
    ] = False
    webhook_slots: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)], Meta(description="Deliveries that this worker sends at a time.")
    ] = 500
    webhook_per_host: Annotated[
        Annotated[int, Meta(ge=1, le=1_000)],
        Meta(description="Deliveries under way to one host and port at a time, over all workers of a queue."),
    ] = 16
    webhook_connect_s: Annotated[
        Annotated[float, Meta(gt=0, le=60, extra={"unit": "s"})],
        Meta(description="How long a connection to a receiver may take to open."),
    ] = 5.0
    webhook_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=300, extra={"unit": "s"})],
        Meta(description="How long one try of a delivery may take, with connecting and redirects."),
    ] = 15.0
    webhook_backoff_s: Annotated[
        tuple[str, ...],
        Meta(
            description="The pauses after each try that failed, s, each made up to a tenth longer by chance; after "
            "the last the delivery is dead.",
            extra={"unit": "s"},
        ),
    ] = ("5", "300", "1800", "7200", "18000", "36000")
    max_webhook_bytes: Annotated[
        Annotated[int, Meta(ge=1_024, le=16_777_216, extra={"unit": "bytes"})],
        Meta(
            description="Size of a result or problem that is delivered; a larger one is left out, and the body says so."
        ),
    ] = 262_144

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.heartbeat_s > self.lease_s / 3:
            raise ValueError(
                f"TIDINGS_HEARTBEAT_S is {self.heartbeat_s:g} s and TIDINGS_LEASE_S {self.lease_s:g} s: the heartbeat "
                "must be at most a third of the lease, so that one or two may be lost"
            )
        shares_of(self.tiers)
        AddressRules(self.webhook_allow)
        check_secrets(self.webhook_secrets)
        self.webhook_backoff  # noqa: B018 - it checks
        callers = read_callers(self.webhook_callers_file)
        if self.webhooks and not self.webhook_secrets and not any(one.secrets for one in callers.values()):
            raise ValueError(
                "TIDINGS_WEBHOOK_SECRETS is empty: a worker with TIDINGS_WEBHOOKS signs what it delivers; "
                "`tidings webhook secret` makes a secret"
            )

    @property
    def webhook_backoff(self) -> tuple[float, ...]:
        """The pauses after tries that failed, s."""
        try:
            pauses = tuple(float(text) for text in self.webhook_backoff_s)
        except ValueError:
            pauses = ()
        if not 1 <= len(pauses) <= MAX_PAUSES or not all(0 < one <= MAX_PAUSE_S for one in pauses):
            raise ValueError(
                f"TIDINGS_WEBHOOK_BACKOFF_S is {','.join(self.webhook_backoff_s)!r}; allowed: 1 to {MAX_PAUSES} "
                f"numbers of seconds, each above 0 and at most {MAX_PAUSE_S}"
            )
        return pauses

    @property
    def shares(self) -> dict[str, int]:
        """The slots that each tier owns; empty: all tiers share `slots`."""
        return shares_of(self.tiers)


MAX_PAUSES = 20
MAX_PAUSE_S = 604_800

MAX_SLOTS = 10_000
"""Slots of one tier; more is a mistake."""


def shares_of(texts: Iterable[str]) -> dict[str, int]:
    """Read `fast=8`, `heavy=1`: tier → slots, in the order given.

    Raises:
        ValueError: one is not of that form, its slots are out of bounds, or a tier is named twice.

    """
    shares: dict[str, int] = {}
    for text in texts:
        tier, equals, number = (part.strip() for part in text.partition("="))
        if not tier or not equals or not number.isdecimal():
            raise ValueError(f"TIDINGS_TIERS has {text!r}; a tier and its slots look like fast=8")
        if not 1 <= int(number) <= MAX_SLOTS:
            raise ValueError(
                f"TIDINGS_TIERS gives {tier} {number} slots; allowed: 1 to {MAX_SLOTS}. "
                "Leave a tier out that this worker is not to serve"
            )
        if tier in shares:
            raise ValueError(f"TIDINGS_TIERS names {tier} twice")
        shares[tier] = int(number)
    return shares
