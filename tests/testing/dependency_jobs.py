"""Jobs with dependencies, as their author writes them."""

from collections.abc import AsyncIterator

from tidings import Context, Depends, job

closed: list[str] = []


class Database:
    """A database, say."""

    def __init__(self, name: str) -> None:
        self.name = name


async def open_database() -> AsyncIterator[Database]:
    """Connect."""
    yield Database("real")
    closed.append("real")


async def open_fake() -> AsyncIterator[Database]:
    """Stand for it in tests."""
    yield Database("fake")
    closed.append("fake")


@job
async def name_of(database: Database = Depends(open_database)) -> str:
    """Tell which it is."""
    return database.name


@job
async def names_of(ctx: Context) -> str:
    """Tell it in a step."""
    return await ctx.step(in_step)


async def in_step(database: Database = Depends(open_database)) -> str:
    """Tell which it is."""
    return database.name
