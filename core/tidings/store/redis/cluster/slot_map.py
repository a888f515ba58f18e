"""Which node of a cluster holds which slot. Pure.

Source: https://valkey.io/topics/cluster-spec/ and https://valkey.io/commands/cluster-slots/
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from redis.crc import key_slot

from tidings.store.sentinel.address_vote import Address

SLOTS = 16_384

KEYLESS = frozenset(
    {
        "ACL",
        "CLIENT",
        "CLUSTER",
        "COMMAND",
        "CONFIG",
        "DBSIZE",
        "FLUSHALL",
        "FLUSHDB",
        "FUNCTION",
        "INFO",
        "PING",
        "SCRIPT",
        "TIME",
    }
)
"""Commands that concern a node and no key; sent without a node's name they go to any."""

_SCRIPTS = frozenset({"FCALL", "EVALSHA", "EVAL"})
_READS = frozenset({"XREADGROUP", "XREAD"})
_WITH_SUBCOMMAND = frozenset({"XINFO", "XGROUP"})


def routing_key(args: Sequence[str | bytes | int]) -> str | None:
    """Return the key by which a command is sent to a node; None: it names none."""
    name = str(args[0])
    if name in _SCRIPTS:
        return str(args[3])
    if name in _READS:
        return str(args[args.index("STREAMS") + 1])
    if name.partition(" ")[0] in KEYLESS:
        return None
    return str(args[2 if name in _WITH_SUBCOMMAND else 1])


def slot_of(key: str) -> int:
    """Return a key's slot: that of its hash tag, if it has one."""
    _, brace, rest = key.partition("{")
    tag, closing, _ = rest.partition("}")
    return _slot(tag if brace and closing and tag else key)


@lru_cache(maxsize=10_000)
def _slot(text: str) -> int:
    return int(key_slot(text.encode()))


def read_slots(answer: Any, asked: str) -> list[Address | None]:
    """Return the primary of each slot, None where there is none, from the answer to CLUSTER SLOTS.

    Args:
        answer: of the store.
        asked: the host that answered: a node that does not know its own address leaves it empty.

    Raises:
        ValueError: the answer is no such list.

    """
    owners: list[Address | None] = [None] * SLOTS
    try:
        for first, last, (host, port, *_), *_ in answer:
            name = (host or b"").decode()
            owner = (asked if name in ("", "?") else name, int(port))
            if not 0 <= first <= last < SLOTS:
                raise ValueError(f"slots {first} to {last}")
            owners[first : last + 1] = [owner] * (last + 1 - first)
    except (TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"no answer to CLUSTER SLOTS: {error}") from error
    return owners


def read_redirect(text: str, asked: str) -> tuple[int, Address] | None:
    """Return what `MOVED` or `ASK` names, a slot and its node; None: it cannot be read.

    Args:
        text: what the store said.
        asked: the host that said it, which is meant where none stands there.

    """
    _, slot, place = [*text.split(), "", ""][:3]
    host, _, port = place.rpartition(":")
    if not (slot.isascii() and slot.isdigit() and int(slot) < SLOTS and port.isascii() and port.isdigit()):
        return None
    return int(slot), (host.strip("[]") or asked, int(port))


class SlotMap:
    """The owners of the slots, as a process last heard of them."""

    def __init__(self) -> None:
        self._owners: list[Address | None] = []

    @property
    def known(self) -> bool:
        """Whether any node has told."""
        return bool(self._owners)

    @property
    def primaries(self) -> list[Address]:
        """The nodes that hold slots, in the order of their first slots."""
        return list(dict.fromkeys(owner for owner in self._owners if owner is not None))

    @property
    def unowned(self) -> int:
        """How many slots no node holds."""
        return self._owners.count(None)

    def count(self, owner: Address) -> int:
        """Return how many slots a node holds."""
        return self._owners.count(owner)

    def owner(self, slot: int) -> Address | None:
        """Return the node that holds a slot; None: none does, or nothing is known."""
        return self._owners[slot] if self._owners else None

    def take(self, owners: list[Address | None]) -> set[Address]:
        """Take a new list; return the nodes that hold slots now which another held before."""
        before, self._owners = self._owners, owners
        if not before:
            return set()
        return {now for was, now in zip(before, owners, strict=True) if now is not None and was not in (None, now)}

    def move(self, slot: int, owner: Address) -> bool:
        """Take note of one slot's owner; return whether that is news."""
        if not self._owners or self._owners[slot] == owner:
            return False
        self._owners[slot] = owner
        return True
