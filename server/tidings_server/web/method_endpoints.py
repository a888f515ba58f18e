"""Paths with an endpoint for each method: one route, so that an answer to another method names all that are allowed."""

from starlette.requests import Request
from starlette.responses import Response

from tidings_server.auth.identity import Identity

from .authorize import AuthorizedHandler


def by_method(**endpoints: AuthorizedHandler) -> AuthorizedHandler:
    """Return the endpoint of a path that has one for each method; HEAD is answered as GET is."""

    async def chosen(request: Request, identity: Identity) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request, identity)

    return chosen
