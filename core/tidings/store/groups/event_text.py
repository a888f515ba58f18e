"""An event as readers of a feed get it: its frame with what stands beside it, or a CloudEvent."""

import msgspec

from .event_feed import FeedEvent

_HEAD = '{"type":"event",'


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope of CloudEvents 1.0, in the JSON format (https://github.com/cloudevents/spec, version 1.0.2)."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str = "application/json"
    data: msgspec.Raw


class _Frame(msgspec.Struct, frozen=True):
    token: str
    seq: int
    at: str


_decode_frame = msgspec.json.Decoder(_Frame).decode
_encode = msgspec.json.Encoder().encode


def event_text(queue: str, event: FeedEvent, *, as_cloudevent: bool) -> str:
    """Return an event as JSON text: its frame with `id`, `kind`, `owner` and `correlation_id`, or a CloudEvent.

    `truncated` says that the data were too large for an event: the job's snapshot has them.

    Raises:
        msgspec.DecodeError: what the store holds is no frame.

    """
    frame = _decode_frame(event.frame)
    identity = f"{frame.token}:{frame.seq}"
    more: dict[str, object] = {
        "id": identity,
        "kind": event.kind,
        "owner": event.owner,
        "correlation_id": event.correlation_id,
    }
    more |= {"truncated": True} if '"data":' not in event.frame else {}
    text = f"{_encode(more).decode()[:-1]},{event.frame.removeprefix(_HEAD).removeprefix('{')}"
    if not as_cloudevent:
        return text
    return _encode(
        CloudEvent(
            id=identity,
            source=f"urn:tidings:queue:{queue}",
            type=f"tidings.job.{event.name}",
            subject=frame.token,
            time=frame.at,
            data=msgspec.Raw(text.encode()),
        )
    ).decode()
