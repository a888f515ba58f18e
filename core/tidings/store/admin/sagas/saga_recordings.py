"""The recordings of running sagas: their inputs, journals and memos, read from the store."""

from collections.abc import AsyncIterator, Iterable

import msgspec
from redis.asyncio import Redis

from tidings.protocol.frames.envelope import decode_envelope
from tidings.protocol.tokens import Token, split_token
from tidings.saga.recorded_saga import RecordedSaga
from tidings.store.availability.store_errors import ScriptError
from tidings.store.keys import StoreKeys
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.store_client import command_pool_of

from .running_sagas import SagaFilter, running_sagas

_MEMO = b"once:"


async def record_sagas(
    store: Redis, keys: StoreKeys, queues: Iterable[str], wanted: SagaFilter
) -> AsyncIterator[RecordedSaga]:
    """Yield recordings of the sagas of some queues, in no order; those that end meanwhile are left out.

    Each takes two or three short calls of the store, one after the other, so that others are served in between.

    Raises:
        StoreError: the store is unavailable.

    """
    caller = command_pool_of(store)
    async for page in running_sagas(store, keys, queues, wanted):
        for one in page:
            found = await _record(caller, keys, split_token(one.token))
            if found is not None:
                yield found


async def _record(caller: CommandPool, keys: StoreKeys, token: Token) -> RecordedSaga | None:
    # The journal first: a memo that is recorded between the two is one too many, and no step lacks its memo.
    try:
        journal = await caller.ask("HGETALL", keys.steps(token.partition, token.id))
        record = _pairs(await caller.ask("HGETALL", keys.job(token.partition, token.id)))
    except ScriptError:  # what lies there is no hash
        return None
    if not record.get(b"state") or b"finished" in record:
        return None
    envelope = record.get(b"envelope") or await _queued(caller, keys, token, record)
    try:
        found = decode_envelope(envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # no Tidings process has written it
        return None
    epoch = record.get(b"epoch", b"")
    return RecordedSaga(
        token=str(token),
        kind=found.kind,
        version=found.version,
        input=found.input,
        steps={_text(name): _text(value) for name, value in _pairs(journal).items()},
        memos={
            _text(name.removeprefix(_MEMO)): _text(value) for name, value in record.items() if name.startswith(_MEMO)
        },
        epoch=int(epoch) if epoch.isdigit() else 0,
        unwinding=_text(record.get(b"unwinding", b"")),
    )


async def _queued(caller: CommandPool, keys: StoreKeys, token: Token, record: dict[bytes, bytes]) -> bytes:
    """Return the envelope that lies in a ready stream; empty: there is none."""
    place, _, lane = _text(record.get(b"entry", b"")).partition("/")
    if not place:
        return b""
    stream = keys.ready(token.partition, _text(record.get(b"tier", b"")), lane or None)
    try:
        found = await caller.ask("XRANGE", stream, place, place)
    except ScriptError:  # what lies there is no stream
        return b""
    fields = found[0][1] if found else []
    return bytes(fields[3]) if len(fields) >= 4 else b""  # `id` first and `env` second, as the scripts write them


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
