"""The body of a delivery: the form that Standard Webhooks recommends, or a CloudEvents 1.0 envelope.

Sources: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md,
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from typing import Any, NamedTuple

import msgspec

from tidings.protocol.timestamps import rfc3339
from tidings.protocol.webhooks import TERMINAL_EVENTS
from tidings.store.webhook_store import TakenDelivery

TYPE_PREFIX = "tidings.job."
SOURCE_PREFIX = "urn:tidings:queue:"
STANDARD_TYPE = "application/json"
CLOUDEVENTS_TYPE = "application/cloudevents+json"


class WebhookMessage(NamedTuple):
    """What is sent."""

    body: bytes
    content_type: str


class _Tail(msgspec.Struct):
    status: str
    data: dict[str, msgspec.Raw] | msgspec.Raw


_decode_tail = msgspec.json.Decoder(_Tail).decode
_encode = msgspec.json.Encoder().encode


def message_of(partition: str, one: TakenDelivery, max_bytes: int) -> WebhookMessage:
    """Return the body of a delivery; it is the same in each try, as long as the job's record is there.

    Args:
        partition: the job's queue.
        one: the delivery.
        max_bytes: a result or problem that is larger is left out, and the body says so.

    """
    data: dict[str, Any] = {
        "token": f"{partition}.{one.job}",
        "kind": one.kind,
        "status": one.event,
        "seq": one.seq,
        **_event_data(one, max_bytes),
    }
    data["correlation_id"] = one.correlation_id or data["token"]
    if one.tags:
        data["tags"] = one.tags.split()
    if one.left_out:
        data["events_left_out"] = one.left_out
    at = rfc3339(one.created_ms)
    if one.format != "cloudevents":
        return WebhookMessage(_encode({"type": TYPE_PREFIX + one.event, "timestamp": at, "data": data}), STANDARD_TYPE)
    envelope = {
        "specversion": "1.0",
        "id": one.webhook_id,
        "source": SOURCE_PREFIX + partition,
        "type": TYPE_PREFIX + one.event,
        "subject": data["token"],
        "time": at,
        "datacontenttype": "application/json",
        **({"traceparent": one.traceparent} if one.traceparent else {}),
        "data": data,
    }
    return WebhookMessage(_encode(envelope), CLOUDEVENTS_TYPE)


def _event_data(one: TakenDelivery, max_bytes: int) -> dict[str, Any]:
    """Return what the event says: of an end `result` or `problem`, of other events `status` and `event_data`."""
    if not one.tail:
        if not one.field:
            return {}
        if one.value:
            return {one.field: msgspec.Raw(one.value.encode())}
        return _left_out(one.field, one.size, max_bytes)
    tail = _decode_tail(f"{{{one.tail}".encode())
    if one.event not in TERMINAL_EVENTS:
        return {"status": tail.status, "event_data": tail.data}
    found: dict[str, Any] = {}
    for name, value in (tail.data if isinstance(tail.data, dict) else {}).items():
        size = len(bytes(value))
        found.update({name: value} if size <= max_bytes else _left_out(name, size, max_bytes))
    return found


def _left_out(field: str, size: int, max_bytes: int) -> dict[str, Any]:
    why = (
        f"the {field} has {size} bytes, and {max_bytes} may be sent: read it by the token"
        if size
        else f"the {field} is not kept any more"
    )
    return {f"{field}_left_out": {"bytes": size, "limit": max_bytes, "detail": why}}
