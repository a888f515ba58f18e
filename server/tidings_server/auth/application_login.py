"""The login of the application around the server: its cookies and sessions say who a client is."""

from collections.abc import Awaitable, Callable

import anyio
import msgspec
from starlette.requests import HTTPConnection

from tidings.protocol.problems import problem_error

from .claims import is_subject
from .identity import SCOPES, Identity
from .owner_names import OwnerNames

Authenticate = Callable[[HTTPConnection], Awaitable[Identity | None]]
"""Returns who makes a request or opens a socket, by what the application's login put into it; None: a stranger.

It gets the headers, the cookies and the query of each request that presents no credential of Tidings' own, and must not
read a body. `Identity.owner` is the application's name of the user, 1 to 255 printable characters.
"""


class ApplicationLogin:
    """Asks the application who a client is."""

    def __init__(self, authenticate: Authenticate, names: OwnerNames, within_s: float) -> None:
        """Prepare.

        Args:
            authenticate: the application's.
            names: of the owners on this server.
            within_s: how long it may take.

        """
        self._authenticate = authenticate
        self._names = names
        self._within_s = within_s

    async def identify(self, connection: HTTPConnection) -> Identity | None:
        """Return who makes a request, or opens a socket; None: the application does not know.

        Raises:
            ProblemError: `auth_unavailable`: the application took too long; `unauthenticated`: its name for the user
                is one that names an API key here.
            TypeError: it returned something else than an identity.
            ValueError: it returned an identity that no client can have.

        """
        try:
            with anyio.fail_after(self._within_s):
                identity = await self._authenticate(connection)
        except TimeoutError as error:
            raise problem_error("auth_unavailable", "the application took too long to say who you are") from error
        if identity is None:
            return None
        if not isinstance(identity, Identity):
            raise TypeError(f"`authenticate` returns an Identity or None, not a {type(identity).__qualname__}")
        if not is_subject(identity.owner):
            raise ValueError("`authenticate` returned an identity whose owner is not 1 to 255 printable characters")
        if not SCOPES.issuperset(identity.scopes):
            raise ValueError(f"`authenticate` returned a scope that is none of {', '.join(sorted(SCOPES))}")
        return msgspec.structs.replace(
            identity, owner=self._names.of_subject(identity.owner), scopes=frozenset(identity.scopes), grants=()
        )
