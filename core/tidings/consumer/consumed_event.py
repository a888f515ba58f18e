"""The event that a handler of `@on` gets."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import CallGuard
from tidings.protocol.problems import Problem


class EventHost(Protocol):
    """The worker's side of an event."""

    async def submit(self, event: "ConsumedEvent", kind: str, value: Mapping[str, Any], part: str) -> str:
        """Submit a job for an event, and return its token."""

    def guard(self, breaker: str | Breaker) -> CallGuard:
        """Return a block in which calls count for a breaker."""

    @property
    def state(self) -> Any:
        """What the lifespan of the handler's module yielded."""


class ConsumedEvent:
    """Something that happened to a job; exported as `tidings.Event`.

    A group gets each event at least once, and the events of one job in order. A handler that must not act twice
    remembers `id`, or hands it on as a key.
    """

    def __init__(self, frame: "EventText", said: "EventEnvelope", data: Mapping[str, Any], host: EventHost) -> None:
        """Take what the store gave.

        Args:
            frame: the event's frame.
            said: what stands beside it.
            data: of the event.
            host: the worker.

        """
        self.token: str = frame.token
        """The job's token."""
        self.seq: int = frame.seq
        """The number of the event among those of its job; it rises strictly."""
        self.kind: str = said.kind
        """The job's kind."""
        self.name: str = frame.event
        """What happened: `succeeded`, `failed`, `started` …"""
        self.status: str = frame.status
        """The state of the job then."""
        self.at: str = frame.at
        """When, as RFC 3339 writes it, by the store's clock."""
        self.data = data
        """As watchers of the job get it; empty where `truncated`."""
        self.truncated: bool = said.truncated
        """Whether the data were too large for the event, and have left the store with the job's record."""
        self.owner: str = said.owner
        """Whose job it is; empty: no owner."""
        self.correlation_id: str = said.correlation_id or frame.token
        """The client's name for the job, or the token if it gave none."""
        self.group: str = said.group
        """The group whose handler runs."""
        self.attempt: int = said.attempt
        """Which try this is, from 1."""
        self._host = host

    @property
    def id(self) -> str:
        """The event's own id: the same in every try, in every group and in every replay."""
        return f"{self.token}:{self.seq}"

    @property
    def idempotency_key(self) -> str:
        """A key for calls of this group downstream, the same in every try and replay."""
        return f"{self.group}:{self.id}"

    @property
    def result(self) -> Any:
        """What the job returned; None: it did not succeed, or the event is of another sort."""
        return self.data.get("result")

    @property
    def problem(self) -> Problem | None:
        """Why the job failed; None: it did not."""
        found = self.data.get("problem")
        return None if found is None else msgspec.convert(found, Problem)

    @property
    def state(self) -> Any:
        """What the lifespan of the handler's module yielded.

        Raises:
            LookupError: the module has none.

        """
        return self._host.state

    def breaker(self, breaker: str | Breaker) -> CallGuard:
        """Return a block for calls of a service: `async with event.breaker("search"):`.

        An event whose block finds the breaker open waits for it; that counts as no try.
        """
        return self._host.guard(breaker)

    async def submit(self, kind: str, /, *, part: str = "", **fields: Any) -> str:
        """Submit a job because of this event, once however often the event comes; return its token.

        The key is made of the event's id, the group and the part. The job has the owner and the correlation id of the
        event's job. A plain function calls it by `anyio.from_thread.run`.

        Args:
            kind: of the job.
            part: tells jobs of one kind apart that one event submits, such as `item-3`; up to 60 visible ASCII
                characters.
            fields: the fields of its input.

        Raises:
            ProblemError: no worker has registered the kind, the queue is full, or the input has no form in JSON.

        """
        return await self._host.submit(self, kind, fields, part)

    def __repr__(self) -> str:
        return f"<event {self.id} {self.name} of {self.kind}>"


class EventText(msgspec.Struct, frozen=True):
    """An event's frame as the store holds it."""

    token: str
    seq: int
    at: str
    event: str
    status: str
    data: dict[str, Any] | None = None
    """None: they were too large for a frame."""


class EventEnvelope(msgspec.Struct, frozen=True):
    """What a worker knows of an event beside its frame."""

    kind: str
    group: str
    attempt: int = 1
    owner: str = ""
    correlation_id: str = ""
    truncated: bool = False


decode_event_text: Callable[[bytes | str], EventText] = msgspec.json.Decoder(EventText).decode
