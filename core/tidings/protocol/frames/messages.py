"""The frames of the socket protocol `tidings.v1.json`.

Every frame is one JSON object with a `type`. Clients ignore fields that they do not know; the server refuses an
unknown field of a request, so that a mistyped option is never dropped in silence. A client sends what came after
version 1 only where `hello.features` names it. The bodies of `POST /v1/jobs` are `Submission` too.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, get_args

import msgspec

from tidings.protocol.field_types import (
    MAX_TAGS,
    JsonObject,
    Key,
    Kind,
    Lifetime,
    Moment,
    OwnerText,
    PlainText,
    Progress,
    Queue,
    Ref,
    Seconds,
    Tags,
    TokenText,
)
from tidings.protocol.grants import Granted, GrantFrame, GrantRequest, GrantText, IssuedGrant
from tidings.protocol.problems import Problem
from tidings.protocol.states import State
from tidings.protocol.steps import SIGNAL_PATTERN, Step
from tidings.protocol.text_types import EventText, MomentText, StateText, one_of
from tidings.protocol.webhooks import WebhookRequest

from .follow_messages import Follow, Following, Unfollow
from .limits import Limits
from .overview import Overview
from .stream_messages import StreamSnapshot

SUBPROTOCOL = "tidings.v1.json"
"""Offered by clients in Sec-WebSocket-Protocol, and chosen by the server."""

FEATURES: tuple[str, ...] = (
    "submit.tags",
    "follow",
    "unfollow",
    "submit.webhook",
    "submit.grant",
    "submit.owner",
    "grant",
    "watch.grant",
    "unwatch.grant",
    "cancel.grant",
    "signal.grant",
    "snapshot.streams",
    "follow.grant",
)
"""What this server takes beyond what every server of version 1 does, told in `hello`: `submit.webhook` for a field of a
frame, the type for a new frame. What came before there were such names is not among them. `snapshot.streams`: its
snapshots hold streams."""

FIELD_MEANINGS = {
    "/correlation_id": "a correlation id has 1 to 256 printable ASCII characters",
    "/key": "an idempotency key has 1 to 255 visible ASCII characters",
    "/tag": "a tag has 1 to 64 visible ASCII characters",
    **{f"/tags/{index}": "a tag has 1 to 64 visible ASCII characters" for index in range(MAX_TAGS)},
    "/webhook/id": "the id of a webhook has 1 to 64 letters, digits, `_` and `-`",
}
"""What a field of a submission may hold, in words: people need no pattern."""


class Submission(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Work to be done: the fields shared by the `submit` frame and `POST /v1/jobs`."""

    kind: Kind
    """The kind of work: one that a worker has registered."""
    input: JsonObject
    """A JSON object."""
    key: Key | None = None
    """Idempotency key: 1 to 255 visible ASCII characters."""
    delay: Seconds | None = None
    """Seconds before it may start; at most a year."""
    at: Moment | None = None
    """Not before this moment (RFC 3339, with its offset), at most a year ahead; one that has passed means now. Not
    beside `delay`."""
    deadline: Lifetime | None = None
    """Seconds from now after which it is not worth finishing."""
    tier: Queue | None = None
    """Which of the kind's tiers the job belongs to; without one the kind's own, or what the kind's rule says."""
    queue: Queue | None = None
    """The queue of the kind; another is refused."""
    priority: Annotated[int, msgspec.Meta(ge=-100, le=100)] | None = None
    """How much it matters, -100 to 100, by default 0, among jobs that may be shed: the lowest goes first. It does not
    change the order in which they run; tiers do."""
    correlation_id: PlainText | None = None
    """1 to 256 printable ASCII characters, echoed wherever the job shows; without one the job's token is."""
    traceparent: str | None = None
    """W3C Trace Context: the trace that the job belongs to. One that is broken is ignored."""
    tracestate: str | None = None
    """W3C Trace Context: what vendors add to `traceparent`."""
    tags: Tags | None = None
    """At most 8 tags of 1 to 64 visible ASCII characters, by which its owner lists and follows jobs."""
    watch: bool = True
    """Whether this connection wants the job's events."""
    owner: OwnerText | None = None
    """For whom the job is: a subject, as in a JSON Web Token's `sub`, who then owns it. Wants the scope `delegate`."""
    grant: bool | GrantRequest = False
    """Asks for a grant for the job, which comes with the ack; true: one with the defaults."""
    webhook: WebhookRequest | None = None
    """A URL that workers send what happens to the job, signed; only to servers whose `hello.features` names
    `submit.webhook`."""


class Submit(Submission, kw_only=True, frozen=True, tag="submit", tag_field="type"):
    """Asks for work; answered by `ack` or `error`."""

    ref: Ref
    """Number of this frame: `ack` or `error` repeats it."""


class Watch(msgspec.Struct, kw_only=True, frozen=True, tag="watch", tag_field="type", forbid_unknown_fields=True):
    """Asks for a job's events; answered by `snapshot`, or `error`."""

    ref: Ref
    """Number of this frame: `snapshot` or `error` repeats it."""
    token: TokenText
    """The job, by the token of its ack."""
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 0
    """The last number this client has seen."""
    grant: GrantText | None = None
    """A grant that allows its bearer to watch the job, where the credential does not."""


class Unwatch(msgspec.Struct, kw_only=True, frozen=True, tag="unwatch", tag_field="type", forbid_unknown_fields=True):
    """Asks for no more events of a job; answered by `done`."""

    ref: Ref
    """Number of this frame: `done` repeats it."""
    token: TokenText
    """The job, by the token of its ack."""
    grant: GrantText | None = None
    """A grant that allows its bearer to watch the job, where the credential does not."""


class Cancel(msgspec.Struct, kw_only=True, frozen=True, tag="cancel", tag_field="type", forbid_unknown_fields=True):
    """Asks that a job stop; answered by `done` (asked), the outcome comes as an event."""

    ref: Ref
    """Number of this frame: `done` or `error` repeats it."""
    token: TokenText
    """The job, by the token of its ack."""
    grant: GrantText | None = None
    """A grant that allows its bearer to cancel the job, where the credential does not."""


class Signal(msgspec.Struct, kw_only=True, frozen=True, tag="signal", tag_field="type", forbid_unknown_fields=True):
    """Tells a saga something it waits for, or will; answered by `done` when it has it durably, or `error`."""

    ref: Ref
    """Number of this frame: `done` or `error` repeats it."""
    token: TokenText
    """The saga, by the token of its ack."""
    name: Annotated[str, msgspec.Meta(pattern=SIGNAL_PATTERN)]
    """Which signal: the name that the saga waits for."""
    input: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
    """Any JSON, at most 64 KiB: what the saga gets."""
    key: Key | None = None
    """Idempotency key: sent again with the same key, it is the same signal."""
    grant: GrantText | None = None
    """A grant that allows its bearer to give the job a signal, where the credential does not."""


class Auth(msgspec.Struct, kw_only=True, frozen=True, tag="auth", tag_field="type", forbid_unknown_fields=True):
    """Presents a credential, the first or a new one; answered by `done`, or `error`."""

    ref: Ref
    """Number of this frame: `done` or `error` repeats it."""
    credential: str
    """A JSON Web Token, an API key or a grant, without a scheme before it. A connection with grants alone may do what
    they allow; several are presented one after the other."""

    def __repr__(self) -> str:
        return f"Auth(ref={self.ref})"


class Ping(msgspec.Struct, kw_only=True, frozen=True, tag="ping", tag_field="type", forbid_unknown_fields=True):
    """Asks for a `pong`."""

    ref: Ref
    """Number of this frame: `pong` repeats it."""


class Observe(msgspec.Struct, kw_only=True, frozen=True, tag="observe", tag_field="type", forbid_unknown_fields=True):
    """Asks for an `overview` each second (scope `admin`); answered by `done`, or `error`."""

    ref: Ref
    """Number of this frame: `done` or `error` repeats it."""


class Unobserve(
    msgspec.Struct, kw_only=True, frozen=True, tag="unobserve", tag_field="type", forbid_unknown_fields=True
):
    """Asks for no more of them; answered by `done`."""

    ref: Ref
    """Number of this frame: `done` repeats it."""


ClientFrame = (
    Submit | Watch | Unwatch | Cancel | Signal | Follow | Unfollow | GrantFrame | Auth | Ping | Observe | Unobserve
)
"""The frames that a client may send."""

CLIENT_FRAMES: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {str(frame.__struct_config__.tag): frame for frame in get_args(ClientFrame)}
)
"""The same, by type."""

CLIENT_TYPES = tuple(CLIENT_FRAMES)


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello", tag_field="type"):
    """The first frame from the server."""

    version: int
    """Version of the contract that the server speaks: 1."""
    connection: str
    """The connection's name, which the server's log and the console show."""
    limits: Limits
    """What this connection may do."""
    authenticated: bool = True
    """Whether the server knows who this is, or does not ask; false: it wants an `auth` frame first."""
    features: list[str] = []
    """What this server takes beyond version 1 as it was first described; others refuse it as an unknown field or type.
    `submit.x` is the field `x` of `submit`, `x` the frame of that type."""


class Ack(msgspec.Struct, frozen=True, kw_only=True, tag="ack", tag_field="type"):
    """The work is accepted, durably."""

    ref: Ref | msgspec.UnsetType = msgspec.UNSET
    """Number of the `submit` that this answers; an answer over HTTP has none."""
    token: str
    """The job's name for clients: what to watch, look at or cancel it by."""
    status: Annotated[str, one_of(*State, "unknown")]
    """The job's state; `unknown` in the ack of a duplicate whose record has left: its key is remembered longer than its
    result, and its work does not run again."""
    seq: int
    """The job's newest number; events with a higher one follow."""
    duplicate: bool = False
    """The idempotency key was known: this is the earlier job."""
    position: int | None = None
    """Jobs ahead in the queue, approximate."""
    eta: float | None = None
    """Seconds until it may start, approximate; null if unknown."""
    degraded: Annotated[str, one_of("circuit_open", "fallback", "shed", "unserved")] | None = None
    """How the service falls short for this job at the moment; null: it does not. `circuit_open`: what the work depends
    on is failing, and it waits until that is over; where too much waits, `fallback`: a cheaper kind answers; `shed`:
    another job was dropped for this one. `unserved`: no worker that lives serves the kind at the moment."""
    grant: IssuedGrant | msgspec.UnsetType = msgspec.UNSET
    """The grant, if the submission asked for one."""


class LogChunk(msgspec.Struct, frozen=True):
    """One chunk of a job's log."""

    seq: int
    """The chunk's number among the job's events."""
    at: MomentText
    """When the handler wrote it (RFC 3339, the store's clock)."""
    data: msgspec.Raw
    """What the handler wrote: any JSON."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a job at one moment; also the body of `GET /v1/jobs/{token}`."""

    token: str
    """The job's name for clients."""
    seq: int
    """The newest number; events resume above it."""
    status: StateText
    """The job's state."""
    attempt: int
    """How many attempts have begun; 0: none has."""
    kind: str
    """The kind of work."""
    progress: Progress
    """The newest: fraction, message, data; null if there was none."""
    result: Any = msgspec.UNSET
    """What the handler returned; there only if it succeeded."""
    problem: Any = msgspec.UNSET
    """Why it failed, a problem document; there only if it did."""
    milestones: dict[str, MomentText]
    """When it was submitted, enqueued, dequeued, started, finished (RFC 3339, the store's clock)."""
    correlation_id: str | None = None
    """The client's; the token where it gave none; for a child of a saga its parent's."""
    trace_id: str | None = None
    """The trace that it belongs to, if it is known."""
    tags: list[str] = []
    """Its tags; absent where it has none."""
    log: list[LogChunk]
    """The chunks after the number that the watcher gave."""
    truncated: bool
    """The log no longer reaches back to that number."""
    rewound: bool
    """The store knows less than the watcher: writes were lost, as after a failover."""
    steps: list[Step] | msgspec.UnsetType = msgspec.UNSET
    """Of a saga: its steps, in the order of the program; there only if it has taken some."""
    held: Any = msgspec.UNSET
    """Of a saga that is held, because its steps have changed, why it waits: a problem document; there only if it is."""
    streams: dict[str, StreamSnapshot] | msgspec.UnsetType = msgspec.UNSET
    """Its streams by name, each from the first chunk that the watcher lacks; there only if it has written some. A
    stream that is not here has no chunks."""


class SnapshotFrame(Snapshot, frozen=True, kw_only=True, tag="snapshot", tag_field="type"):
    """Answers `watch`; with ref null it tells where a job stands after events were lost on the way.

    The snapshot of a job that has ended is followed by the terminal event, which has the snapshot's number.
    """

    ref: Ref | None
    """Number of the `watch` or `submit` that this answers; null: it answers none."""


class EventFrame(msgspec.Struct, frozen=True, kw_only=True, tag="event", tag_field="type"):
    """Something happened to a job."""

    token: str
    """The job."""
    seq: int
    """The event's number; rises strictly with the events of a job."""
    at: MomentText
    """When it happened (RFC 3339, the store's clock)."""
    event: EventText
    """What happened. Clients ignore events whose names they do not know."""
    status: StateText
    """The job's state since then."""
    data: msgspec.Raw
    """What belongs to the event: of `progress` fraction, message and data, of `log` the chunk, of `succeeded` the
    result, of `failed` and `retrying` the problem, of `chunk`, `chunks` and `reset` what happens in a stream."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done", tag_field="type"):
    """What was asked under `ref` is done, or under way."""

    ref: Ref
    """Number of the frame that this answers."""


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag="pong", tag_field="type"):
    """Answers `ping`."""

    ref: Ref
    """Number of the `ping` that this answers."""


class Alive(msgspec.Struct, frozen=True, tag="alive", tag_field="type"):
    """Nothing happened for a while, and the server is still there."""


class Error(msgspec.Struct, frozen=True, kw_only=True, tag="error", tag_field="type", omit_defaults=True):
    """What was asked under `ref` was refused; or (ref null) the watch of a job, or of a tag, has ended.

    A watch ends so when the job is not known any more, when an `auth` brought a credential that does not open it, or
    when its grant has run out (`grant_expired`). One such error comes before the end: `grant_expiring`.
    """

    ref: Ref | None
    """Number of the frame that was refused; null: its number could not be read, or a watch has ended."""
    problem: Problem
    """Why."""
    token: str | None = None
    """The job whose watch has ended."""
    tag: str | None = None
    """The tag that is followed no more, with the watches of the jobs that came by it alone."""


class GoAway(msgspec.Struct, frozen=True, kw_only=True, tag="goaway", tag_field="type"):
    """This server is leaving; another will serve you."""

    reason: str
    """Why, for people."""
    reconnect_after: float
    """Seconds to wait before connecting again; different for each client."""


ServerFrame = (
    Hello | Ack | SnapshotFrame | EventFrame | Following | Granted | Done | Pong | Alive | Error | GoAway | Overview
)
"""The frames that a server may send."""
