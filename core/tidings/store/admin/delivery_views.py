"""Deliveries as their owners and operators see them: no secret, and no query of a URL."""

import msgspec

from tidings.protocol.timestamps import rfc3339
from tidings.protocol.webhooks import DeliveryPage, DeliveryTry, DeliveryView, PlaceView
from tidings.store.webhook_store import DeliveryRow, PlaceRow, webhook_id_of

_decode_try = msgspec.json.Decoder(DeliveryTry).decode

_PENDING = ("waiting", "sending")


def delivery_view(queue: str, row: DeliveryRow) -> DeliveryView:
    """Return one delivery of a queue."""
    url, mark, _ = row.url.partition("?")
    return DeliveryView(
        id=f"{queue}.{row.name}",
        webhook_id=webhook_id_of(row.name, row.id),
        token=f"{queue}.{row.name.rsplit('_', 2)[0]}",
        event=row.event,
        url=f"{url}?…" if mark else url,
        place=row.place,
        format=row.format or "standard",
        state=row.state,
        tries=row.tries,
        created=rfc3339(row.created_ms),
        next_try=rfc3339(row.at_ms) if row.state == "waiting" else None,
        ended=None if row.state in _PENDING else rfc3339(row.at_ms),
        attempts=[one for line in row.tried.splitlines() if (one := _readable(line)) is not None],
    )


def delivery_page(queue: str, found: tuple[int, list[DeliveryRow]], after: int, most: int) -> DeliveryPage:
    """Return a page of the deliveries of a queue."""
    total, rows = found
    more = after + len(rows) < total and len(rows) == most
    return DeliveryPage(
        deliveries=[delivery_view(queue, row) for row in rows],
        total=total,
        next=after + len(rows) if more else None,
    )


def place_view(queue: str, row: PlaceRow, now_ms: int) -> PlaceView:
    """Return a place, as one queue delivers to it."""
    return PlaceView(
        place=row.place,
        queue=queue,
        waiting=row.due,
        sending=row.held,
        paused=row.rest_ms < 0,
        rests_until=rfc3339(row.rest_ms) if row.rest_ms > now_ms else None,
    )


def _readable(line: str) -> DeliveryTry | None:
    try:
        return _decode_try(line)
    except msgspec.DecodeError:
        return None
