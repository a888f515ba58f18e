"""Which webhooks a job has: of its submission, of its kind, of its owner; each of them, and one URL once."""

from collections.abc import Iterable

from tidings.protocol.webhooks import TERMINAL_EVENTS, WebhookRequest, WebhookSpec, webhook_field

from .address_rules import AddressRules
from .target_url import Target, TargetRules

UNGUARDED = TargetRules(AddressRules(["0.0.0.0/0", "::/0"]), allow_http=True)
"""Reads URLs that the author of a kind or an operator chose; where they may go is decided when a worker connects."""


def field_of(found: Iterable[tuple[WebhookRequest, Target]]) -> str:
    """Return the field `webhook` of a job's record; empty: it has none."""
    specs: dict[tuple[str, str], WebhookSpec] = {}
    for request, target in found:
        spec = WebhookSpec(
            url=target.url,
            place=target.place,
            events=f" {' '.join(dict.fromkeys(request.events or TERMINAL_EVENTS))} ",
            format=request.format,
            id=request.id or "",
        )
        specs.setdefault((spec.url, spec.events), spec)
    return webhook_field(list(specs.values()))


def field_of_kind(request: WebhookRequest | None) -> str:
    """Return the field of a job that no client submitted: a recurring run, a child of a saga.

    Raises:
        TargetError: the URL of the kind cannot be a webhook's.

    """
    return "" if request is None else field_of([(request, UNGUARDED.parse(request.url))])
