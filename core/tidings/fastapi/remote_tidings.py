"""A server elsewhere, for a FastAPI application: one connection, by which it submits for its users."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from tidings.client.client import Client
from tidings.client.connection.credential import CredentialSource

from .delegate import DelegateClient
from .problem_answers import answer_problems
from .request_user import UserDependency, require_user


class RemoteTidings:
    """A server elsewhere.

    ::

        tidings = RemoteTidings("https://jobs.example.com", credential=API_KEY)
        app = FastAPI(lifespan=tidings.lifespan)
        tidings.install(app)
        TidingsDep = Annotated[DelegateClient, Depends(tidings.client_for(current_user))]
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        credential: CredentialSource | None = None,
        wait: float = 30.0,
        within_s: float = 10.0,
    ) -> None:
        """Prepare; `lifespan` connects.

        Args:
            url: as for `Client`; None: `TIDINGS_URL`.
            credential: as for `Client`; it must have the scopes `submit` and `delegate`.
            wait: seconds for which the start of the application tries to connect.
            within_s: how long a submission waits for its ack.

        """
        self._url = url
        self._credential = credential
        self._wait = wait
        self._within_s = within_s
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The application's own client.

        Raises:
            RuntimeError: the application has not entered `lifespan`.

        """
        if self._client is None:
            raise RuntimeError("there is no connection: give the application lifespan=tidings.lifespan")
        return self._client

    def install(self, app: FastAPI) -> None:
        """Have problems answered (`answer_problems`)."""
        answer_problems(app)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Keep the connection around the body: the application's lifespan, or a part of it.

        Raises:
            ConnectionFailed: no server answers, or it does not accept the credential.

        """
        async with Client(self._url, credential=self._credential, wait=self._wait) as client:
            self._client = client
            try:
                yield
            finally:
                self._client = None

    def client_for(self, user: UserDependency) -> Callable[..., DelegateClient]:
        """Return a dependency that gives a route a client which submits for the request's user.

        Args:
            user: the application's own dependency, which returns the user's name, 1 to 255 printable characters, or
                refuses the request. A request without a user is refused (401).

        """

        def client_of_user(owner: Annotated[Any, Depends(user)]) -> DelegateClient:
            return DelegateClient(self.client, require_user(owner), self._within_s)

        return client_of_user
