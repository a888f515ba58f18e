"""The audit log in the store: the acts of operators, and the refusals of callers.

Acts, refusals of operators, and refusals of callers who are no operators are three streams, each with its own bound.
So no number of refusals makes an act leave the log.
"""

import asyncio
from enum import StrEnum
from typing import NamedTuple

from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command

MAX_TEXT = 1_000
"""Characters of each field."""

_FIELDS = ("who", "address", "action", "target", "detail", "outcome")


class AuditStream(StrEnum):
    """The stream that holds an entry."""

    ACT = "act"
    """An operator changed something."""
    IDLE = "idle"
    """The server refused an operator, or an act changed nothing."""
    STRANGER = "stranger"
    """The server refused a caller without the scope `admin`."""


MAX_ENTRIES = {AuditStream.ACT: 10_000, AuditStream.IDLE: 2_000, AuditStream.STRANGER: 500}
"""Entries that each stream keeps, about; older ones leave."""


class AuditEntry(NamedTuple):
    """One act, or one refusal."""

    who: str
    address: str
    action: str
    target: str
    detail: str
    outcome: str
    unrecorded: int = 0
    """Refusals of the same caller since its previous entry that were not recorded."""
    entry: str = ""
    """Its id, which begins with the time, ms since the epoch by the store's clock."""
    stream: AuditStream = AuditStream.ACT

    @property
    def at(self) -> int:
        """When it happened, ms since the epoch."""
        return int(self.entry.partition("-")[0])

    @property
    def cursor(self) -> str:
        """The cursor of the page that follows this entry."""
        return f"{self.entry}@{self.stream}"

    def cut(self) -> "AuditEntry":
        """Return the entry with texts of `MAX_TEXT` characters at the most."""
        return self._replace(**{name: getattr(self, name)[:MAX_TEXT] for name in _FIELDS})


class AuditLog:
    """Writes and reads the log; methods that ask the store raise `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._streams = {
            AuditStream.ACT: keys.audit,
            AuditStream.IDLE: keys.audit_idle,
            AuditStream.STRANGER: keys.audit_strangers,
        }

    async def write(self, entry: AuditEntry) -> None:
        """Add an entry, with long texts cut."""
        cut = entry.cut()
        fields = [part for name in _FIELDS for part in (name, getattr(cut, name))]
        if entry.unrecorded:
            fields += ["unrecorded", str(entry.unrecorded)]
        stream, most = self._streams[entry.stream], MAX_ENTRIES[entry.stream]
        await command(self._store, "XADD", stream, "MAXLEN", "~", most, "*", *fields)

    async def page(self, cursor: str, most: int) -> list[AuditEntry]:
        """Return up to `most` entries of all streams, newest first.

        Args:
            cursor: that of the last entry of the previous page; empty: the newest.
            most: entries on the page.

        """
        streams = list(AuditStream)
        found = await asyncio.gather(*(self._read(stream, _before(stream, cursor), most) for stream in streams))
        entries = [entry for some in found for entry in some]
        entries.sort(key=lambda one: (*map(int, one.entry.split("-")), -streams.index(one.stream)), reverse=True)
        return entries[:most]

    async def _read(self, stream: AuditStream, before: str, most: int) -> list[AuditEntry]:
        found = await command(self._store, "XREVRANGE", self._streams[stream], before, "-", "COUNT", most)
        return [
            AuditEntry(
                **{name: fields.get(name.encode(), b"").decode(errors="replace") for name in _FIELDS},
                unrecorded=int(fields.get(b"unrecorded", 0)),
                entry=entry.decode(),
                stream=stream,
            )
            for entry, fields in found
        ]


def _before(stream: AuditStream, cursor: str) -> str:
    """Return the id at which to read a stream; of entries with one id those of an earlier stream come first."""
    if not cursor:
        return "+"
    entry, _, last = cursor.partition("@")
    streams = list(AuditStream)
    seen = not last or streams.index(stream) <= streams.index(AuditStream(last))
    return f"({entry}" if seen else entry
