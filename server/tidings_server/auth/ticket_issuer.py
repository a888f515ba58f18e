"""Tickets: a browser presents one in place of a credential where it can set no header.

A ticket stands in a URL, and URLs end up in logs and histories. So a ticket works once, for some seconds, on any
server. The store holds only its digest, which a reader of the store cannot use.
"""

import hashlib
import secrets
import time

import msgspec

from tidings.store.ticket_store import TicketStore

from .identity import Identity, unauthenticated

RANDOM_BYTES = 32

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Identity).decode


class TicketIssuer:
    """Issues and redeems the tickets of all servers of one store."""

    def __init__(self, store: TicketStore, ttl_s: float) -> None:
        self._store = store
        self.ttl_s = ttl_s

    async def issue(self, identity: Identity) -> tuple[str, float]:
        """Return a fresh ticket that stands for `identity`, and how long it may be redeemed, s.

        Raises:
            StoreError: it could not be kept.

        """
        left = self.ttl_s if identity.expires_at is None else min(self.ttl_s, identity.expires_at - time.time())
        ticket = secrets.token_urlsafe(RANDOM_BYTES)
        await self._store.put(_digest(ticket), _encode(identity), max(1, int(left * 1000)))
        return ticket, max(0.0, left)

    async def redeem(self, ticket: str) -> Identity:
        """Return the identity that a ticket stands for; the ticket cannot be redeemed again.

        Raises:
            ProblemError: `unauthenticated`: it was never issued, has expired, or was redeemed before.
            StoreError: the store did not answer; the ticket may be gone.

        """
        record = await self._store.take(_digest(ticket))
        if record is None:
            raise unauthenticated("the ticket is not valid (any more): fetch another")
        identity = _decode(record)
        if identity.expired():
            raise unauthenticated("the credential behind the ticket has expired")
        return identity


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
