"""What is in the store at the end of a trial, read behind the product's back."""

from collections.abc import Iterator

from redis import Redis

from tidings.store.keys import GROUP, StoreKeys

from .history import Left, Stored

QUEUE, TIER = "default", "standard"


def waiting(store: Redis) -> Iterator[Left]:
    """Yield how much waits, is held, or is scheduled."""
    keys = StoreKeys()
    ready = keys.ready(QUEUE, TIER)
    yield Left("ready stream", store.xlen(ready))
    yield Left("entries held by workers", store.xpending(ready, GROUP)["pending"])
    yield Left("schedule", store.zcard(keys.scheduled(QUEUE)))


def records(store: Redis) -> Iterator[Stored]:
    """Yield every record of a job."""
    prefix = StoreKeys().job(QUEUE, "")
    for name in store.scan_iter(match=_literally(prefix) + "*", count=1000):
        state, key = store.hmget(name, ["state", "correlation_id"])
        yield Stored(_text(key), f"{QUEUE}.{_text(name).removeprefix(prefix)}", _text(state))


def _literally(text: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in text)


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
