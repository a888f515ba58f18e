"""The parameters of a query: one that an endpoint does not take is refused, never dropped in silence."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.contract.pointer import pointer
from tidings.contract.problem import ProblemError, problem
from tidings.contract.unknown import MAX_NAME, hint, shown

from .auth.identity import Identity
from .guard import Endpoint
from .reply import problem_response


def takes(endpoint: Endpoint, *names: str) -> Endpoint:
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
    what = hint(name, known) if known else "this path takes none"
    field = pointer([name]) if len(name) <= MAX_NAME else None
    return ProblemError(problem("invalid_frame", f"there is no parameter `{shown(name)}`; {what}", field=field))
