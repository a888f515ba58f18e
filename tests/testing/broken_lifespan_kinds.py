"""A lifespan that cannot be entered."""

from collections.abc import AsyncIterator

from tidings import job, lifespan


def open_nothing() -> None:
    """Fail to reach a database."""
    raise ConnectionError("no database here")


@lifespan
async def broken() -> AsyncIterator[None]:
    """Fail."""
    open_nothing()
    yield


@job
async def never() -> None:
    """Never run."""
