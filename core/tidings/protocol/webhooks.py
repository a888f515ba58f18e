"""Webhooks on the wire: what a submission asks for, and what is shown of its deliveries."""

from typing import Annotated, Literal

import msgspec

from .events import FINAL_STATE, EventName
from .partial_answer import PartialAnswer
from .text_types import EventText, MomentText, one_of

WebhookEvent = Literal[
    "queued", "started", "progress", "log", "step", "retrying", "waiting", "succeeded", "failed", "cancelled", "expired"
]
"""What a webhook can be sent."""

TERMINAL_EVENTS: tuple[WebhookEvent, ...] = ("succeeded", "failed", "cancelled", "expired")
"""What it is sent by default."""

assert set(TERMINAL_EVENTS) == set(FINAL_STATE)

WEBHOOK_ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$(?!\n)"


class WebhookRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A URL that is to be sent what happens to a job (Standard Webhooks)."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2_048)]
    """Where to: `https://`, at most 2048 characters, no user name, a public address (or what the operator allows)."""
    events: Annotated[tuple[WebhookEvent, ...], msgspec.Meta(min_length=1, max_length=len(EventName))] | None = None
    """Which events; by default those that end a job."""
    id: Annotated[str, msgspec.Meta(pattern=WEBHOOK_ID_PATTERN)] | None = None
    """The client's name for it, 1 to 64 letters, digits, `_` and `-`: each `webhook-id` begins with it."""
    format: Literal["standard", "cloudevents"] = "standard"
    """The body: the form that Standard Webhooks recommends, or a CloudEvents 1.0 envelope in JSON."""

    def __repr__(self) -> str:
        return "WebhookRequest(url='…')"  # the URL may hold a secret of the receiver


class WebhookSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One webhook as a job's record holds it (`store/lua/lib/events/webhooks.lua`)."""

    url: str
    place: str
    """Host, and the port where it is not the scheme's."""
    events: str
    """Each between spaces."""
    format: str = "standard"
    id: str = ""


def webhook_field(specs: list[WebhookSpec]) -> str:
    """Return the field `webhook` of a job's record; empty: there is no webhook."""
    if not specs:
        return ""
    terminal = all(set(spec.events.split()) <= set(TERMINAL_EVENTS) for spec in specs)
    return f"{'>' if terminal else '>*'} {msgspec.json.encode(specs).decode()}"


DeliveryState = Annotated[str, one_of("waiting", "sending", "delivered", "dead", "dropped")]


class DeliveryTry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try of a delivery."""

    at: MomentText
    """When it began."""
    duration_ms: int
    """How long it took."""
    status: int | None = None
    """The HTTP status of the answer; null: there was none."""
    error: str | None = None
    """Why it failed, where there was no answer."""
    head: str | None = None
    """The first bytes of the answer's body, as text."""
    redirects: int = 0
    """How many redirects were followed."""
    worker: str = ""
    """The worker that tried it."""


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery, as its owner and operators see it."""

    id: str
    """Its name among all deliveries: the queue, a full stop, and its name there."""
    webhook_id: str
    """The header `webhook-id` of each of its tries."""
    token: str
    """The job."""
    event: EventText
    """What happened to the job."""
    url: str
    """Where it goes, without the query, which may hold a secret."""
    place: str
    """Host and port."""
    format: str
    """`standard` or `cloudevents`."""
    state: DeliveryState
    """`waiting` for its first or next try, `sending`, `delivered`, `dead` (given up) or `dropped` (by an operator)."""
    tries: int
    """How often it was tried, since it was made or replayed."""
    created: MomentText
    """When it was made: with the event, in the same step."""
    next_try: MomentText | None = None
    """When it is tried next, at the earliest; only while it waits."""
    ended: MomentText | None = None
    """When it was delivered, given up or dropped."""
    attempts: list[DeliveryTry] = []
    """The tries, the oldest first; at most 30."""


class DeliveryPage(PartialAnswer, frozen=True, kw_only=True):
    """Some deliveries."""

    deliveries: list[DeliveryView]
    """In the order that was asked for."""
    total: int
    """How many there are, with those that are not shown."""
    next: int | None
    """The `after` of the next page; null: this is the last."""


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """A host to which deliveries go, as operators see it."""

    place: str
    """Host and port."""
    queue: str
    """The queue whose jobs have deliveries to it."""
    waiting: int
    """Deliveries that wait for their first or next try."""
    sending: int
    """Deliveries under way."""
    paused: bool
    """Whether an operator paused it."""
    rests_until: MomentText | None
    """Until when its breaker, or the receiver's `Retry-After`, keeps deliveries from it."""


class DeliveryChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The deliveries that an operator replays or drops."""

    ids: Annotated[list[Annotated[str, msgspec.Meta(max_length=256)]], msgspec.Meta(min_length=1, max_length=1_000)]
    """Their ids, at most 1000."""


class PlaceChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The host that an operator pauses or resumes."""

    place: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    """Host, and port where it is not the scheme's."""


class DeliveryRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, or a queue, that the request left as it was."""

    id: str
    """The delivery; of a pause or its end the queue."""
    why: Annotated[str, one_of("gone", "busy", "same")]
    """`gone`: there is no such delivery (any more); `busy`: a worker is sending it; `same`: it was so already."""


class DeliveriesActed(PartialAnswer, frozen=True, kw_only=True):
    """What an operator's request changed."""

    done: int
    """How many deliveries; of a pause or its end in how many queues."""
    refused: list[DeliveryRefusal]
    """What was left as it was, and why."""


class PlaceList(PartialAnswer, frozen=True, kw_only=True):
    """The hosts to which deliveries go."""

    places: list[PlaceView]
    """By queue, then by name."""
