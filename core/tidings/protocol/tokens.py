"""Tokens: the opaque, unguessable names of jobs.

A token is `partition.random`: the partition says where in the store the job lies, so that any
server finds it without a look-up; the random part has 132 bits (22 characters of RFC 4648
base64url; those of releases before had 128), so that it cannot be guessed. It is safe in a URL.
Clients treat the whole as opaque.
"""

import re
from typing import NamedTuple

from .random_text import random_text

_ID = r"[A-Za-z0-9_-]{22}"
_QUEUE = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_PARTITION = rf"{_QUEUE}(?:~[a-z0-9]{{2}})?"
_TOKEN_FORM = re.compile(rf"({_PARTITION})\.({_ID})")

QUEUE_PATTERN = rf"^{_QUEUE}$(?!\n)"
"""What a queue and a tier may be called: 1 to 63 of a-z, 0-9, `-` and `_`."""

PARTITION_PATTERN = rf"^{_PARTITION}$(?!\n)"
"""What a partition is called: as its queue, or the queue's name, `~` and two of a-z and 0-9."""


class Token(NamedTuple):
    """The two halves of a token."""

    partition: str
    """Where in the store the job lies: the hash tag of all its keys."""
    id: str
    """22 characters, 132 random bits."""

    def __str__(self) -> str:
        return f"{self.partition}.{self.id}"


def new_token(partition: str) -> Token:
    """Return a fresh token in `partition`."""
    return Token(partition, random_text())


def queue_of(partition: str) -> str:
    """Return the queue of a partition: the queue's first partition has the queue's own name."""
    return partition.partition("~")[0]


def parse_token(text: str) -> Token | None:
    """Return the halves of a token, or None if `text` is not one (so no job can have it)."""
    match = _TOKEN_FORM.fullmatch(text)
    return Token(match[1], match[2]) if match else None


def split_token(text: str) -> Token:
    """Return the halves of a token of the store or of this process; unlike `parse_token` it does not check the text."""
    partition, _, job = text.rpartition(".")
    return Token(partition, job)
