"""Tickets over HTTP: `POST /v1/tickets`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.broker.error import StoreError

from .answer import store_problem
from .auth.identity import Identity
from .gateway import Gateway
from .reply import json_response, problem_response


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for a credential in `?ticket=`, once."""

    ticket: str
    """What to give as `?ticket=`."""
    expires_in: float
    """Seconds for which it may be redeemed."""


class TicketEndpoint:
    """Exchanges a credential for a ticket."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def issue(self, request: Request, identity: Identity) -> Response:
        """Answer with a fresh ticket for whoever asks."""
        try:
            ticket, expires_in = await self._gateway.tickets.issue(identity)
        except StoreError as error:
            return problem_response(store_problem(error))
        return json_response(Ticket(ticket=ticket, expires_in=expires_in), 201)
