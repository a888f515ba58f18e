"""What every system is made to say: at a pace, each time what time it is; or a long answer, token by token."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

TOKENS: Final = 5_000
_PAGE: Final = Path(__file__).parents[2] / "docs/explanation/how-it-works.md"


async def stamps(count: int, per_s: float) -> AsyncIterator[str]:
    """Yield what time it is, ns since the epoch, so often and so many times a second."""
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(began + number / per_s - time.monotonic(), 0))
        yield f"{time.time_ns()} "


def answer() -> list[str]:
    """Return a long text in parts about as long as a model's tokens: a word with the space before it, or signs."""
    parts = re.findall(r" ?[A-Za-z]+|\s+|[^A-Za-z\s]+", _PAGE.read_text())
    return list(islice(cycle(parts), TOKENS))
