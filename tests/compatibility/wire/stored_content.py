"""What a store holds, as a test compares it: names of keys, their types, the fields within."""

import json
from collections.abc import Iterator
from typing import Any

import redis

from compatibility.wire.masking import key, stored


def stored_content(store: redis.Redis) -> dict[str, Any]:
    """Return what the store holds, by the masked names and the types of keys."""
    redis_: Any = store
    found: dict[str, dict[str, Any]] = {}
    for raw in sorted(store.scan_iter(count=1000)):
        name = raw.decode()
        kind = redis_.type(raw).decode()
        of = found.setdefault(f"{key(name)} ({kind})", {})
        for field, value in _content(store, raw, kind):
            of[field] = min(value, of.get(field, value), key=json.dumps)
    return found


def _content(store: redis.Redis, name: bytes, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield fields, members and entries of a key, masked; a field may come several times."""
    redis_: Any = store
    match kind:
        case "hash":
            fields = redis_.hgetall(name).items()
        case "stream":
            fields = [pair for _, entry in redis_.xrange(name) for pair in entry.items()]
        case "list":
            fields = [(b"(item)", one) for one in redis_.lrange(name, 0, -1)]
        case "zset":
            fields = [(b"(member)", one) for one in redis_.zrange(name, 0, -1)]
        case "set":
            fields = [(b"(member)", one) for one in redis_.smembers(name)]
        case _:
            fields = [(b"(value)", redis_.get(name))]
    for field, value in fields:
        yield key(field.decode()), stored(value)
