"""Questions that are asked of many queues, a page at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

Name = TypeVar("Name")
Answer = TypeVar("Answer")

PAGE = 50
"""Queues that are asked at once: a submit of the same process waits behind so many short calls at the most."""


async def in_pages(
    names: Sequence[Name], ask: Callable[[Name], Coroutine[Any, Any, Answer]]
) -> AsyncIterator[list[Answer]]:
    """Yield the answers for some names in their order, `PAGE` at a time.

    Between two pages the store and the connection serve others, however many queues there are.

    Args:
        names: of queues, or what stands for them.
        ask: asks the store about one; what it raises passes on.

    """
    for first in range(0, len(names), PAGE):
        yield await asyncio.gather(*map(ask, names[first : first + PAGE]))
