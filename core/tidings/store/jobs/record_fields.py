"""Fields of one job's record, for those that need few of them and no snapshot."""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from tidings.protocol.tokens import Token
from tidings.store.keys import StoreKeys
from tidings.store.redis.encoding.text_bytes import text_bytes
from tidings.store.redis.script import Script

_FIELDS = Script("fields", list[msgspec.Raw])


async def read_record_fields(store: Redis, keys: StoreKeys, token: Token, names: Sequence[str]) -> list[str]:
    """Return some fields of a record as texts, whichever form it has; a field that it lacks is an empty text.

    A record that is not there lacks all; every record has a `state`. What is not UTF-8 is replaced.

    Raises:
        StoreError: the store is unavailable, or what lies there is no record.

    """
    found = await _FIELDS(store, keys.root(token.partition), (token.id, names))
    return [text_bytes(bytes(value)).decode(errors="replace") for value in found]
