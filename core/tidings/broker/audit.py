"""The audit log: what operators did, and what callers were refused, kept in the store.

Acts that were carried out, what the server refused an operator, and what it refused callers who are no operators are
three streams, each with a bound of its own: no number of refusals makes an act leave the log.
"""

import asyncio
from enum import StrEnum
from typing import NamedTuple

from redis.asyncio import Redis

from .connection import command
from .keys import Keys

MAX_TEXT = 1_000
"""Characters of each field."""

_FIELDS = ("who", "address", "action", "target", "detail", "outcome")


class Shelf(StrEnum):
    """Where an entry is kept."""

    ACT = "act"
    """An operator changed something."""
    IDLE = "idle"
    """An operator was refused, or asked for what changes nothing."""
    STRANGER = "stranger"
    """A caller without the scope `admin` was refused."""


MAX_ENTRIES = {Shelf.ACT: 10_000, Shelf.IDLE: 2_000, Shelf.STRANGER: 500}
"""Entries that are kept of each, about; older ones leave."""


class AuditEntry(NamedTuple):
    """One thing that was done, or refused."""

    who: str
    address: str
    action: str
    target: str
    detail: str
    outcome: str
    unrecorded: int = 0
    """Refusals of the same caller since its entry before that left none."""
    entry: str = ""
    """Its id, which begins with the time, ms since the epoch by the store's clock."""
    shelf: Shelf = Shelf.ACT

    @property
    def at(self) -> int:
        """When it was, ms since the epoch."""
        return int(self.entry.partition("-")[0])

    @property
    def cursor(self) -> str:
        """What the page after this entry begins with."""
        return f"{self.entry}@{self.shelf}"

    def cut(self) -> "AuditEntry":
        """Return it with texts of `MAX_TEXT` characters at the most."""
        return self._replace(**{name: getattr(self, name)[:MAX_TEXT] for name in _FIELDS})


class Audit:
    """The log; whatever asks the store raises `StoreError`."""

    def __init__(self, store: Redis, keys: Keys) -> None:
        self._store = store
        self._streams = {Shelf.ACT: keys.audit, Shelf.IDLE: keys.audit_idle, Shelf.STRANGER: keys.audit_strangers}

    async def write(self, entry: AuditEntry) -> None:
        """Add an entry; long texts are cut."""
        cut = entry.cut()
        fields = [part for name in _FIELDS for part in (name, getattr(cut, name))]
        if entry.unrecorded:
            fields += ["unrecorded", str(entry.unrecorded)]
        stream, most = self._streams[entry.shelf], MAX_ENTRIES[entry.shelf]
        await command(self._store, "XADD", stream, "MAXLEN", "~", most, "*", *fields)

    async def page(self, cursor: str, most: int) -> list[AuditEntry]:
        """Return up to `most` entries of all streams, the newest first.

        Args:
            cursor: of the last entry of the page before, or empty.
            most: how many.

        """
        shelves = list(Shelf)
        found = await asyncio.gather(*(self._read(shelf, _before(shelf, cursor), most) for shelf in shelves))
        entries = [entry for some in found for entry in some]
        entries.sort(key=lambda one: (*map(int, one.entry.split("-")), -shelves.index(one.shelf)), reverse=True)
        return entries[:most]

    async def _read(self, shelf: Shelf, before: str, most: int) -> list[AuditEntry]:
        found = await command(self._store, "XREVRANGE", self._streams[shelf], before, "-", "COUNT", most)
        return [
            AuditEntry(
                **{name: fields.get(name.encode(), b"").decode(errors="replace") for name in _FIELDS},
                unrecorded=int(fields.get(b"unrecorded", 0)),
                entry=entry.decode(),
                shelf=shelf,
            )
            for entry, fields in found
        ]


def _before(shelf: Shelf, cursor: str) -> str:
    """Return where reading a stream begins; of entries of one id those of an earlier shelf come first."""
    if not cursor:
        return "+"
    entry, _, last = cursor.partition("@")
    shelves = list(Shelf)
    seen = not last or shelves.index(shelf) <= shelves.index(Shelf(last))
    return f"({entry}" if seen else entry
