"""Which kinds have changed: the record that stands in the registry, and the one that it replaced."""

import hashlib
from typing import Any, NamedTuple

from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord

from .keys import REGISTRY, StoreKeys
from .kind_records import MAX_ALL_BYTES, MAX_RECORD_BYTES, read_kind, shown_name
from .redis.script import Script

_KINDS_REPLACED: Script[list[Any]] = Script("kinds_replaced", list[Any])


class ReplacedKind(NamedTuple):
    """One kind whose record was replaced."""

    kind: str
    at_ms: int
    """When, ms since the epoch, by the store's clock."""
    before: KindRecord | None
    """The record before; None: one of the two cannot be used."""
    now: KindRecord | None
    """The record that stands; None: one of the two cannot be used."""
    digest: str
    """Of what the two are: another one if either has changed."""
    why: str = ""
    """Why they cannot be used."""


class ReplacedKinds(NamedTuple):
    """Some kinds whose record was replaced, the newest change first."""

    kinds: list[ReplacedKind]
    total: int
    """How many there are."""


async def read_replaced_kinds(store: Redis, keys: StoreKeys, most: int) -> ReplacedKinds:
    """Return the kinds whose record was replaced, at most `most`, the newest change first.

    A worker of an earlier release replaces a record without keeping it; where it has written back the one from before,
    the kind is left out.

    Raises:
        StoreError: the store is unavailable.

    """
    total, *flat = await _KINDS_REPLACED(store, keys.root(REGISTRY), (most, MAX_RECORD_BYTES, MAX_ALL_BYTES))
    lines = zip(flat[::4], flat[1::4], flat[2::4], flat[3::4], strict=True)
    found = [_replaced(name, int(at), before, now) for name, at, before, now in lines if before != now or not before]
    return ReplacedKinds(found, int(total))


def _replaced(name: bytes, at_ms: int, before: bytes, now: bytes) -> ReplacedKind:
    kind, digest = shown_name(name), hashlib.blake2b(before + b"\0" + now, digest_size=16).hexdigest()
    try:
        return ReplacedKind(kind, at_ms, read_kind(name, 1, before), read_kind(name, 1, now), digest)
    except ValueError as error:
        return ReplacedKind(kind, at_ms, None, None, digest, str(error))
