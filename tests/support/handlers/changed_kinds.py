"""Kinds that a registry has in another record than before, for tests of what operators are shown."""

from typing import Any

import msgspec
from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.registry import Registry


def schema(required: list[str], **fields: Any) -> msgspec.Raw:
    """Return the schema of an object."""
    return msgspec.Raw(msgspec.json.encode({"type": "object", "properties": fields, "required": required}))


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
PARCEL = KindRecord(kind="parcel", input=schema(["to"], to=TEXT), result=schema(["at"], at=TEXT, by=TEXT))
LETTER = KindRecord(kind="letter", version=1, input=schema(["to"], to=TEXT), result=schema([], at=TEXT))
STAMP = KindRecord(kind="stamp", input=schema([], cents=NUMBER), result=schema([], at=TEXT))

BEFORE = (PARCEL, LETTER, STAMP)
NOW = (
    # Breaks queued inputs and clients, and readers.
    msgspec.structs.replace(
        PARCEL, input=schema(["to", "weight"], to=TEXT, weight=NUMBER), result=schema([], at=TEXT, by=TEXT)
    ),
    # A new version, without an upcast.
    msgspec.structs.replace(LETTER, version=2, oldest_version=2, input=schema(["to"], to=NUMBER)),
    # Breaks nothing.
    msgspec.structs.replace(STAMP, timeout=5.0, description="Sells one.", input=schema([], cents=NUMBER, euros=NUMBER)),
)


async def change_kinds(store: Redis) -> None:
    """Register the kinds as they were, and then as they are: one after the other, the last ones first."""
    for records in (BEFORE, NOW):
        for record in reversed(records):
            await Registry(store, StoreKeys()).register([record])


async def forget_kinds(store: Redis) -> None:
    """Remove them."""
    await Registry(store, StoreKeys()).remove([record.kind for record in BEFORE])
