"""Reading one stream of a job, in pages: one call holds the store for no longer than one page takes."""

from collections.abc import Awaitable, Callable

import msgspec
from redis.asyncio import Redis

from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis.script import Script

from .stream_records import StreamPage, StreamRecord

PAGE_BYTES = 262_144
"""Of a stream that is read in pages."""

MAX_TRIES = 5
"""How often a stream is read from its beginning again because a later attempt has taken it over meanwhile."""

_READ = Script("stream_read", StreamPage)


class StreamTakenError(StoreUnavailableError):
    """A later attempt took the stream over while it was read."""


async def read_page(
    store: Redis, root: str, job: str, name: str, *, first: int = -1, after: int = 0, most: int = PAGE_BYTES
) -> StreamPage:
    """Return chunks of a stream, as far as they fit into one page.

    Args:
        store: a client of the store.
        root: of the job's partition.
        job: the job's id.
        name: the stream's.
        first: the index of the first chunk that is wanted; -1: the first whose event is later than `after`.
        after: the number of an event.
        most: bytes of the page, about.

    Raises:
        StoreError: the store is unavailable, or holds no stream there.

    """
    return await _READ(store, root, (job, name, first, after, most))


async def read_stream(
    store: Redis,
    root: str,
    job: str,
    name: str,
    *,
    first: int = -1,
    after: int = 0,
    take: Callable[[int], Awaitable[None]] | None = None,
) -> StreamPage:
    """Return all chunks of a stream from an index, or after a number; see `read_page`.

    Args:
        store: a client of the store.
        root: of the job's partition.
        job: the job's id.
        name: the stream's.
        first: as for `read_page`.
        after: as for `read_page`.
        take: waits for room for so many bytes, before more than one page is read.

    Raises:
        StreamTakenError: attempts took it over again and again.
        StoreError: the store is unavailable, or holds no stream there.

    """
    for _ in range(MAX_TRIES):
        page = await read_page(store, root, job, name, first=first, after=after)
        if page.upto < page.count and take is not None:
            await take(page.bytes)
        rest = await _rest(store, root, job, name, page.fence, page.upto, page.count)
        if rest is not None:
            chunks = ",".join((page.chunks, *rest)) if rest else page.chunks
            return msgspec.structs.replace(page, upto=page.count, chunks=chunks)
    raise StreamTakenError(f"attempts took the stream {name} over while it was read; ask again")


async def complete(store: Redis, root: str, job: str, stream: StreamRecord) -> StreamRecord | None:
    """Return a stream with all chunks that it had when it was read; None: an attempt has taken it over since."""
    rest = await _rest(store, root, job, stream.name, stream.fence, stream.upto, stream.count)
    if rest is None:
        return None
    return msgspec.structs.replace(stream, upto=stream.count, chunks=",".join((stream.chunks, *rest)))


async def _rest(store: Redis, root: str, job: str, name: str, fence: int, first: int, count: int) -> list[str] | None:
    """Return the chunks from an index to before another, in pages; None: an attempt has taken the stream over."""
    pages: list[str] = []
    while first < count:
        page = await read_page(store, root, job, name, first=first)
        if page.fence != fence or page.count < count:
            return None
        chunks = page.chunks
        if page.upto > count:  # it has grown since
            decoded = msgspec.json.decode(f"[{chunks}]", type=list[msgspec.Raw])[: count - first]
            chunks = b",".join(bytes(chunk) for chunk in decoded).decode()
        pages.append(chunks)
        first = page.upto
    return pages
