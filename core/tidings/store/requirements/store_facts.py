"""What a store, or each node of a cluster, says of itself: asked in one round trip each, as far as its user may ask."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from tidings.store.availability.store_errors import StoreError, StoreUnavailableError
from tidings.store.redis.single_store import Store

_CONFIG = ("CONFIG", "GET", "appendonly", "appendfsync")
"""Asks how a store is set; several names in one command are known since Redis 7.0."""


class StoreFacts(NamedTuple):
    """Of one store or node."""

    node: str
    """Its address in a cluster; empty: it is the one store there is."""
    info: Mapping[str, str]
    """The fields of `INFO`; empty: its user may not ask."""
    config: Mapping[str, str]
    """Some of its settings; empty: it was not asked, or its user may not ask."""


async def read_facts(store: Store, *, config: bool) -> list[StoreFacts]:
    """Return what is known of a store, of a cluster of each node that answers.

    Args:
        store: a client of it.
        config: whether it is asked for its settings: the command is one that few users may use, and a refusal stands in
            the store's own log.

    Raises:
        StoreUnavailableError: none answers.

    """
    parts = store.parts()
    found = await asyncio.gather(
        *(_facts_of(one, config=config, alone=len(parts) == 1) for one in parts), return_exceptions=True
    )
    facts = [one for one in found if isinstance(one, StoreFacts)]
    for one in found:
        if isinstance(one, BaseException) and not (facts and isinstance(one, StoreUnavailableError)):
            raise one
    return facts


async def _facts_of(store: Store, *, config: bool, alone: bool) -> StoreFacts:
    questions = [("INFO",), _CONFIG] if config else [("INFO",)]
    info, settings = [*await asyncio.gather(*(_unless_denied(store.caller.ask(*one)) for one in questions)), None][:2]
    place = store.connection_pool.connection_kwargs
    node = "" if alone else f"{place.get('host')}:{place.get('port')}"
    return StoreFacts(node, read_info(info), _pairs(settings))


async def _unless_denied(answer: "asyncio.Future[Any]") -> Any:
    """Return an answer; None: the store refuses, or knows no such command."""
    try:
        return await answer
    except StoreUnavailableError:
        raise
    except StoreError:
        return None


def read_info(answer: bytes | None) -> dict[str, str]:
    """Return the fields of an answer to `INFO`."""
    lines = (line.partition(":") for line in (answer or b"").decode(errors="replace").splitlines())
    return {name: value for name, colon, value in lines if colon and not name.startswith("#")}


def _pairs(answer: list[bytes] | None) -> dict[str, str]:
    texts = [one.decode(errors="replace") for one in answer or ()]
    return dict(zip(texts[::2], texts[1::2], strict=True))
