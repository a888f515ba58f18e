"""The parameters of a query: one that an endpoint does not take is refused, never dropped in silence."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.decoding.json_pointer import json_pointer
from tidings.protocol.decoding.name_suggestions import MAX_NAME, name_hint, shortened_name
from tidings.protocol.problems import ProblemError, problem
from tidings_server.auth.identity import Identity

from .authorize import AuthorizedHandler
from .responses import problem_response


def allow_parameters(endpoint: AuthorizedHandler, *names: str) -> AuthorizedHandler:
    """Return an endpoint that takes parameters of these names, and refuses a request with another.

    Args:
        endpoint: answers the others.
        names: the names of its parameters.

    """

    async def checked(request: Request, identity: Identity) -> Response:
        for name in request.query_params:
            if name not in names:
                return problem_response(_unknown(name, names).problem)
        return await endpoint(request, identity)

    return checked


def _unknown(name: str, known: tuple[str, ...]) -> ProblemError:
    what = name_hint(name, known) if known else "this path takes none"
    field = json_pointer([name]) if len(name) <= MAX_NAME else None
    return ProblemError(
        problem("invalid_frame", f"there is no parameter `{shortened_name(name)}`; {what}", field=field)
    )
