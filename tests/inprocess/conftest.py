"""A server in the process of a test, with a real store and a real worker beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from support.system import System, system_fixture
from support.waiting import until_async
from tidings.settings.settings import from_env
from tidings_server import Identity, create_app
from tidings_server.settings import ServerSettings

system = system_fixture(servers=0)


async def who(connection: HTTPConnection) -> Identity | None:
    """Return the user that a cookie names, as an application's login does."""
    user = connection.cookies.get("user")
    return Identity(owner=user) if user else None


@asynccontextmanager
async def running_app(system: System, **environment: str) -> AsyncIterator[Starlette]:
    """Run a server in this event loop; yield its application when it knows the kinds.

    Args:
        system: its store, and a worker.
        environment: its settings.

    """
    settings = from_env(ServerSettings, {"TIDINGS_STORE_URL": system.store.url, **environment})
    app = create_app(settings, authenticate=who)
    async with app.router.lifespan_context(app):
        await until_async(lambda: "echo" in app.state.runtime.kinds.records, seconds=20)
        yield app


@pytest.fixture
async def app(system: System) -> AsyncIterator[Starlette]:
    """Run a server in a task of its own: pytest ends a fixture in another task than it began it in."""
    over = asyncio.Event()
    found: asyncio.Future[Starlette] = asyncio.get_running_loop().create_future()

    async def live() -> None:
        async with running_app(system) as app:
            found.set_result(app)
            await over.wait()

    task = asyncio.create_task(live())
    task.add_done_callback(lambda _: found.done() or found.cancel())
    yield await found
    over.set()
    await task
