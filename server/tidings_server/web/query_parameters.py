"""The parameters of a query: one that an endpoint does not take is refused, never dropped in silence."""

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.decoding.json_pointer import json_pointer
from tidings.protocol.decoding.name_suggestions import MAX_NAME, name_hint, shortened_name
from tidings.protocol.problems import ProblemError, problem
from tidings_server.auth.identity import Identity

from .authorize import AuthorizedHandler
from .responses import problem_response

ALIASES = {"starting_after": "after"}
"""Other names of parameters, by which clients of other services know them."""


def allow_parameters(endpoint: AuthorizedHandler, *names: str) -> AuthorizedHandler:
    """Return an endpoint that takes parameters of these names, or of their aliases, and refuses a request with another.

    Args:
        endpoint: answers the others.
        names: the names of its parameters.

    """

    async def checked(request: Request, identity: Identity) -> Response:
        if not request.scope.get("query_string"):
            return await endpoint(request, identity)
        aliased = False
        for name in request.query_params:
            if name not in names:
                meant = ALIASES.get(name)
                if meant not in names:
                    return problem_response(_unknown(name, names).problem)
                if meant in request.query_params:
                    return problem_response(_twice(name, meant).problem)
                aliased = True
        return await endpoint(_without_aliases(request) if aliased else request, identity)

    return checked


def _without_aliases(request: Request) -> Request:
    """Return the request as the endpoint reads it: with the parameters' own names."""
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(ALIASES.get(name, name), value) for name, value in given])
    return Request({**request.scope, "query_string": query.encode("latin-1")}, request.receive)


def _twice(name: str, meant: str) -> ProblemError:
    detail = f"`{name}` is another name of `{meant}`: give one of them"
    return ProblemError(problem("invalid_frame", detail, field=json_pointer([name])))


def _unknown(name: str, known: tuple[str, ...]) -> ProblemError:
    what = name_hint(name, known) if known else "this path takes none"
    field = json_pointer([name]) if len(name) <= MAX_NAME else None
    return ProblemError(
        problem("invalid_frame", f"there is no parameter `{shortened_name(name)}`; {what}", field=field)
    )
