"""The server inside a FastAPI application: its routes, its life, and a client for each request's user."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI
from starlette.applications import Starlette

from tidings.client.client import Client

from .problem_answers import answer_problems
from .request_user import UserDependency, require_user

if TYPE_CHECKING:
    from tidings_server.auth.application_login import Authenticate
    from tidings_server.settings import ServerSettings


class MountedTidings:
    """A push server for one application.

    ::

        tidings = MountedTidings(authenticate=who)
        app = FastAPI(lifespan=tidings.lifespan)
        tidings.install(app)
        TidingsDep = Annotated[Client, Depends(tidings.client_for(current_user))]
    """

    def __init__(
        self,
        settings: "ServerSettings | None" = None,
        *,
        authenticate: "Authenticate | None" = None,
        path: str = "/tidings",
    ) -> None:
        """Make the server; it wants the extra `server`.

        Args:
            settings: None: from the environment.
            authenticate: as for `tidings_server.create_app`: says which user makes a request or opens a socket.
            path: where the application has the server's routes.

        Raises:
            SettingsError: a setting in the environment is wrong.

        """
        from tidings_server import create_app  # noqa: PLC0415 - the extra `server`

        self.server: Starlette = create_app(settings, authenticate=authenticate)
        """The server as an application of its own."""
        self.path = path
        """Where the application has the server's routes."""

    def install(self, app: FastAPI) -> None:
        """Mount the server's routes, and have problems answered (`answer_problems`)."""
        app.mount(self.path, self.server)
        answer_problems(app)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Run the server around the body: the application's lifespan, or a part of it."""
        async with self.server.router.lifespan_context(self.server):
            yield

    def client(self, owner: str | None = None) -> Client:
        """Return a client of the server, as `tidings_server.local_client` does; use it as `async with`."""
        from tidings_server import local_client  # noqa: PLC0415 - the extra `server`

        return local_client(self.server, owner=owner)

    def client_for(self, user: UserDependency) -> Callable[..., AsyncIterator[Client]]:
        """Return a dependency that gives a route the client of the request's user.

        It submits, watches, cancels, signals and lists as the user, and is closed behind the route.

        Args:
            user: the application's own dependency, which returns the user's name, 1 to 255 printable characters, or
                refuses the request. A request without a user is refused (401).

        """

        async def client_of_user(owner: Annotated[Any, Depends(user)]) -> AsyncIterator[Client]:
            async with self.client(require_user(owner)) as client:
                yield client

        return client_of_user
