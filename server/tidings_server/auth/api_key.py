"""API keys, for back ends. The settings hold only their SHA-256.

A key has 256 random bits, so an attacker cannot find it by trying digests; a slow digest, as passwords need, would only
make every request slow.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from .identity import OWN_SCOPES, SCOPES, Identity, unauthenticated
from .owner_names import OwnerNames

PREFIX = "tdk_"
"""People and scanners of source code recognize a key by this prefix."""

DEFAULT_SCOPES = OWN_SCOPES

ONLY_KEYS = OwnerNames.of(("api_key",))

NAME_PATTERN = r"[A-Za-z0-9_.-]{1,64}"
_FORM = re.compile(rf"({NAME_PATTERN}):([0-9a-f]{{64}})(?::([a-z+]+))?")


class KeyHash(NamedTuple):
    """One API key, as the settings hold it."""

    name: str
    digest: str
    """SHA-256 of the key, in hexadecimal."""
    scopes: frozenset[str]


class ApiKeyAuthenticator:
    """Finds the identity of a client by its API key."""

    asks = True
    ready = True

    def __init__(self, keys: Iterable[KeyHash], names: OwnerNames = ONLY_KEYS) -> None:
        self._identities = [(key.digest, Identity(owner=names.of_key(key.name), scopes=key.scopes)) for key in keys]

    async def identify(self, credential: str) -> Identity:
        """Return the identity of a key.

        Raises:
            ProblemError: `unauthenticated`.

        """
        return self.identify_now(credential)

    def identify_now(self, credential: str) -> Identity:
        """Return the identity of a key.

        Raises:
            ProblemError: `unauthenticated`.

        """
        digest = digest_of(credential)
        found: Identity | None = None
        # Every key is compared, each in constant time, so that the time reveals nothing about the keys.
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
    """Return the digest of a key, which the settings hold."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def setting_line(name: str, key: str, scopes: Iterable[str] = ()) -> str:
    """Return the entry of a key for the settings."""
    tail = "+".join(sorted(scopes))
    return f"{name}:{digest_of(key)}" + (f":{tail}" if tail else "")


def parse_keys(texts: Iterable[str]) -> list[KeyHash]:
    """Return the keys in the settings; a name may have several, so that a new key can replace an old one.

    Raises:
        ValueError: one is not `NAME:SHA256[:SCOPE+SCOPE]`; the text gives its number, not its content.

    """
    return [_parse(number, text) for number, text in enumerate(texts, start=1)]


def _parse(number: int, text: str) -> KeyHash:
    match = _FORM.fullmatch(text)
    if match is None:
        # The message does not repeat the entry: it may be the key itself.
        raise ValueError(
            f"entry {number} of TIDINGS_API_KEYS is not NAME:SHA256 or NAME:SHA256:SCOPE+SCOPE, as `tidings key` prints"
        )
    scopes = frozenset(match[3].split("+")) if match[3] else DEFAULT_SCOPES
    if not scopes <= SCOPES:
        raise ValueError(f"entry {number} of TIDINGS_API_KEYS ({match[1]}): the scopes are {', '.join(sorted(SCOPES))}")
    return KeyHash(match[1], match[2], scopes)
