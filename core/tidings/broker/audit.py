"""The audit log: what operators did, and what they were refused, kept in the store."""

from typing import NamedTuple

from redis.asyncio import Redis

from .connection import command
from .keys import Keys

MAX_ENTRIES = 10_000
"""Entries that are kept, about; older ones leave."""

MAX_TEXT = 1_000
"""Characters of each field."""

_FIELDS = ("who", "address", "action", "target", "detail", "outcome")


class AuditEntry(NamedTuple):
    """One thing that was done, or refused."""

    who: str
    address: str
    action: str
    target: str
    detail: str
    outcome: str
    entry: str = ""
    """Its id, which begins with the time, ms since the epoch by the store's clock."""

    @property
    def at(self) -> int:
        """When it was, ms since the epoch."""
        return int(self.entry.partition("-")[0])


class Audit:
    """The log; whatever asks the store raises `StoreError`."""

    def __init__(self, store: Redis, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def write(self, entry: AuditEntry) -> None:
        """Add an entry; long texts are cut."""
        fields = [part for name in _FIELDS for part in (name, str(getattr(entry, name))[:MAX_TEXT])]
        await command(self._store, "XADD", self._keys.audit, "MAXLEN", "~", MAX_ENTRIES, "*", *fields)

    async def page(self, before: str, most: int) -> list[AuditEntry]:
        """Return up to `most` entries, the newest first; `before`: the last of the page before, or empty."""
        found = await command(
            self._store, "XREVRANGE", self._keys.audit, f"({before}" if before else "+", "-", "COUNT", most
        )
        return [
            AuditEntry(**{name: fields.get(name.encode(), b"").decode() for name in _FIELDS}, entry=entry.decode())
            for entry, fields in found
        ]
