"""Jobs with a lifespan, as their author writes them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tidings import Context, SyncContext, job, lifespan

opened: list[str] = []


@dataclass
class Pool:
    """A database, say."""

    rows: list[str] = field(default_factory=list)


@lifespan
async def resources() -> AsyncIterator[Pool]:
    """Open the pool."""
    opened.append("open")
    yield Pool(["real"])
    opened.append("close")


@job
async def read_rows(ctx: Context[Pool]) -> list[str]:
    """Read what the pool has."""
    return ctx.state.rows


@job
def count_rows(ctx: SyncContext[Pool]) -> int:
    """Count it in a thread."""
    return len(ctx.state.rows)
