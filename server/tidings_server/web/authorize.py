"""The check before every route: the page's origin, the credential, the scope."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from tidings.protocol.grants import GrantAct
from tidings.protocol.problems import ProblemError, problem_error
from tidings.store.availability.store_errors import StoreError
from tidings_server.auth.identity import Identity, Scope, bearer_of, unauthenticated
from tidings_server.jobs.client_answers import store_problem
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.runtime import ServerRuntime

from .direct_exchange import DirectEndpoint, DirectExchange
from .request.client_address import address_of, caller_of
from .request.origin import origin_allowed
from .responses import empty_response, problem_response
from .uvicorn_config import COUNTED_EXTENSION

AuthorizedHandler = Callable[[Request, Identity], Awaitable[Response]]
"""Answers a request of an authenticated client."""

DirectHandler = Callable[[DirectExchange, Identity], bool]
"""Answers a plain request of an authenticated client, now or later; it may raise `ProblemError` instead. False: it has
done nothing, and ASGI's way is to be taken."""


class Authorizer:
    """Authenticates requests."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    def __call__(
        self,
        endpoint: AuthorizedHandler,
        scope: Scope | None = None,
        *,
        act: GrantAct | None = None,
        tickets: bool = False,
        bearers: bool = False,
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return a route's function that answers authenticated clients only.

        Args:
            endpoint: answers them.
            scope: what the client must be allowed; None: to be authenticated is enough.
            act: what a scope or a grant must allow the client; None: the endpoint finds out, or grants do not matter.
            tickets: whether `?ticket=` and `?grant=` will do, because browsers can set no header here.
            bearers: whether a client may come that has shown nothing but grants, beside where `act` says so.

        """

        async def guarded(request: Request) -> Response:
            try:
                identity = await self._admit(request, tickets=tickets)
                _require(identity, scope, act, bearers=bearers)
                caller, address = caller_of(request.scope, identity), address_of(request.scope)
                with self._runtime.quotas.request(quota_key_of(identity, caller), address):
                    _leave_idle(request)
                    return await endpoint(request, identity)
            except ProblemError as error:
                return problem_response(error.problem)
            except ClientDisconnect:
                return empty_response(400)  # the client has gone, and reads nothing
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - the border of one request
                return problem_response(unexpected_problem(f"{request.method} {_route(request)}", error))

        return guarded

    def direct(self, handler: DirectHandler, route: str, *, act: GrantAct | None = None) -> DirectEndpoint:
        """Return what answers plain requests of authenticated clients, as the function of their route does.

        Clients may come that have shown nothing but grants.

        Args:
            handler: answers them.
            route: the method and the path as the route writes it, for the log.
            act: what a scope or a grant must allow the client; None: the handler finds out.

        """

        def guarded(exchange: DirectExchange) -> bool:
            try:
                identity = self._identify_now(exchange)
                if identity is None:
                    return False
                _require(identity, None, act, bearers=True)
                caller = identity.owner or exchange.address
                exchange.enter(self._runtime.quotas.request(quota_key_of(identity, caller), exchange.address))
                if not handler(exchange, identity):
                    exchange.leave_slot()
                    return False
            except ProblemError as error:
                exchange.respond(problem_response(error.problem))
            except Exception as error:  # noqa: BLE001 - the border of one request
                exchange.fail(route, error)
            return True

        return guarded

    def _identify_now(self, exchange: DirectExchange) -> Identity | None:
        """Return the identity behind a plain request; None: it takes a wait, or a refusal that says what is missing.

        Raises:
            ProblemError: the credential is not valid.

        """
        authenticator = self._runtime.authenticator
        if not authenticator.asks:
            return authenticator.identify_now("")
        credential = bearer(exchange.headers.get("authorization"))
        return None if credential is None else authenticator.identify_now(credential)

    async def identify(self, connection: HTTPConnection, *, tickets: bool) -> Identity | None:
        """Return the identity behind a request or a handshake; None: it presents no credential.

        Raises:
            ProblemError: the credential is not (or no longer) valid, or it cannot be checked now.

        """
        if not self._runtime.authenticator.asks:
            return await self._runtime.authenticator.identify("")
        credential = bearer(connection.headers.get("authorization"))
        if credential is not None:
            return await self._runtime.authenticator.identify(credential)
        ticket = connection.query_params.get("ticket") if tickets else None
        if not ticket:
            return await self._logged_in(connection)
        try:
            return await self._runtime.tickets.redeem(ticket)
        except StoreError as error:
            raise ProblemError(store_problem(error)) from error

    async def _logged_in(self, connection: HTTPConnection) -> Identity | None:
        """Return whom the login of the application around the server finds; None: it knows no such client.

        A browser adds a cookie by itself, also to what a page elsewhere asks for. Such a request is refused where it
        names no origin that could be allowed, as one for a picture does. Source: W3C Fetch Metadata, section 2.

        Raises:
            ProblemError: `forbidden`, or as the login refuses.

        """
        if self._runtime.login is None:
            return None
        headers = connection.headers
        if "origin" not in headers and headers.get("sec-fetch-site") in _ELSEWHERE:
            raise problem_error("forbidden", "a page elsewhere may not use the login of this server's users")
        return await self._runtime.login.identify(connection)

    def _granted(self, request: Request, identity: Identity | None) -> Identity | None:
        """Return the identity with the grants in the query of a stream, of which some may be over.

        Raises:
            ProblemError: one is no grant, there are too many, or they are over, and the client has shown nothing else.

        """
        texts = request.query_params.getlist("grant") if request.scope.get("query_string") else ()
        if not texts or not self._runtime.authenticator.asks:
            return identity
        most = self._runtime.settings.max_grants
        if len(texts) > most:
            raise problem_error(
                "too_large", f"{len(texts)} grants; at most {most} are read", field="/grant", limit=most
            )
        grants = [self._runtime.grants.read(text) for text in texts]
        if identity is not None:
            return identity.with_grants(grants)
        valid = [grant for grant in grants if not grant.expired()]
        if not valid:
            raise problem_error("unauthenticated", "the grant has expired: come back with a fresh one", field="/grant")
        return bearer_of(valid)

    async def _admit(self, request: Request, *, tickets: bool) -> Identity:
        if not origin_allowed(request.headers, self._runtime.settings.allowed_origins):
            raise problem_error("forbidden", "pages of this origin may not use this server")
        identity = await self.identify(request, tickets=tickets)
        if tickets:
            identity = self._granted(request, identity)
        if identity is None:
            where = "send `Authorization: Bearer CREDENTIAL`"
            more = ", or `?ticket=` with one from POST /v1/tickets, or `?grant=` with a grant" if tickets else ""
            raise unauthenticated(where + more)
        request.state.owner = identity.owner
        return identity


def _leave_idle(request: Request) -> None:
    """Count the connection of a request, under our own server, no more among those that wait for one."""
    counted: Callable[[], None] | None = request.scope.get("extensions", {}).get(COUNTED_EXTENSION)
    if counted is not None:
        counted()


_ELSEWHERE = frozenset({"cross-site", "same-site"})
"""Values of Sec-Fetch-Site for requests that pages of another origin cause."""


def _require(identity: Identity, scope: Scope | None, act: GrantAct | None, *, bearers: bool) -> None:
    """Refuse a client that may not use an endpoint.

    Raises:
        ProblemError: `forbidden`.

    """
    if scope is not None:
        identity.require(scope)
    if act is not None:
        identity.require_act(act)
    elif identity.grants and not identity.scopes and not bearers:
        raise problem_error("forbidden", "a grant opens the jobs for which it is, and nothing else")


def _route(request: Request) -> str:
    """Return the path of a request as its route writes it, without what the client filled in."""
    path: str = request.scope["path"]
    for name, value in request.path_params.items():
        path = path.replace(f"/{value}", f"/{{{name}}}")
    return path


def bearer(header: str | None) -> str | None:
    """Return the credential in an `Authorization` header; None if there is no such header.

    Raises:
        ProblemError: `unauthenticated`: it is of another scheme than Bearer (RFC 6750, section 2.1).

    """
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise unauthenticated("`Authorization` must be `Bearer` and a credential")
    return credential.strip()
