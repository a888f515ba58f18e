"""API keys: for back ends. The settings hold their SHA-256 alone.

A key has 256 random bits, so that a plain digest of it cannot be searched; a slow one, as for
passwords, would only make every request slow.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from .identity import SCOPES, Identity, unauthenticated

PREFIX = "tdk_"
"""By this, people and scanners of source code see what it is."""

DEFAULT_SCOPES = frozenset({"submit", "watch", "cancel"})

NAME_PATTERN = r"[A-Za-z0-9_.-]{1,64}"
_FORM = re.compile(rf"({NAME_PATTERN}):([0-9a-f]{{64}})(?::([a-z+]+))?")


class KeyHash(NamedTuple):
    """One API key as the settings know it."""

    name: str
    digest: str
    """SHA-256 of the key, in hexadecimal."""
    scopes: frozenset[str]


class ApiKeyAuthenticator:
    """Knows clients by the keys they were given."""

    asks = True
    ready = True

    def __init__(self, keys: Iterable[KeyHash]) -> None:
        self._identities = [(key.digest, Identity(owner=key.name, scopes=key.scopes)) for key in keys]

    async def identify(self, credential: str) -> Identity:
        """Return whose key it is.

        Raises:
            ProblemError: `unauthenticated`.

        """
        digest = digest_of(credential)
        found: Identity | None = None
        # All are compared, each in constant time: how long it takes tells nothing.
        for known, identity in self._identities:
            if hmac.compare_digest(known, digest):
                found = identity
        if found is None:
            raise unauthenticated("there is no such API key")
        return found

    async def run(self) -> None:
        """Do nothing: the keys are in the settings."""


def new_key() -> str:
    """Return a fresh key."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """Return what the settings hold of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def setting_line(name: str, key: str, scopes: Iterable[str] = ()) -> str:
    """Return what stands in the settings for a key."""
    tail = "+".join(sorted(scopes))
    return f"{name}:{digest_of(key)}" + (f":{tail}" if tail else "")


def parse_keys(texts: Iterable[str]) -> list[KeyHash]:
    """Return the keys in the settings; one name may have several, while one takes the place of another.

    Raises:
        ValueError: one is not `NAME:SHA256[:SCOPE+SCOPE]`; the text says which, not what it holds.

    """
    return [_parse(number, text) for number, text in enumerate(texts, start=1)]


def _parse(number: int, text: str) -> KeyHash:
    match = _FORM.fullmatch(text)
    if match is None:
        # Whatever stands there may be the key itself.
        raise ValueError(
            f"entry {number} of TIDINGS_API_KEYS is not NAME:SHA256 or NAME:SHA256:SCOPE+SCOPE, as `tidings key` prints"
        )
    scopes = frozenset(match[3].split("+")) if match[3] else DEFAULT_SCOPES
    if not scopes <= SCOPES:
        raise ValueError(f"entry {number} of TIDINGS_API_KEYS ({match[1]}): the scopes are {', '.join(sorted(SCOPES))}")
    return KeyHash(match[1], match[2], scopes)
