"""Tickets over HTTP: `POST /v1/tickets`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.store.availability.store_errors import StoreError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import store_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response, problem_response


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for a credential in `?ticket=`, once."""

    ticket: str
    """What to give as `?ticket=`."""
    expires_in: float
    """Seconds for which it may be redeemed."""


class TicketEndpoint:
    """Exchanges a credential for a ticket."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def issue(self, request: Request, identity: Identity) -> Response:
        """Answer with a fresh ticket for the client's credential."""
        try:
            ticket, expires_in = await self._runtime.tickets.issue(identity)
        except StoreError as error:
            return problem_response(store_problem(error))
        return json_response(Ticket(ticket=ticket, expires_in=expires_in), 201)
