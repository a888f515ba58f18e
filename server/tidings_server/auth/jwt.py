"""JSON Web Tokens, verified by a key whose type alone determines the algorithm.

Sources: RFC 7519 (JWT), RFC 8725 (best current practices).
"""

import time
from collections.abc import Iterable
from typing import Any, Protocol

import jwt
import msgspec
import structlog

from .claims import identity_of
from .identity import Identity, unauthenticated
from .key import Key
from .owner_names import OwnerNames

log = structlog.get_logger()

ONLY_SUBJECTS = OwnerNames.of(("jwt",))

MAX_TOKEN_CHARS = 16_384
"""A longer token is not read: HTTP servers would not accept it in a header."""


class KeySource(Protocol):
    """A source of keys."""

    @property
    def ready(self) -> bool:
        """Whether it can verify a token now."""

    async def find(self, kid: str | None) -> Key | None:
        """Return the key with an id (None: the token names none); None: there is no such key."""

    def known(self, kid: str | None) -> Key | None:
        """Return the key with an id, if it is at hand; None: `find` it."""

    async def run(self) -> None:
        """Keep the keys fresh, until cancelled; return at once if they never change."""


class ConfiguredKey:
    """The one key of the settings, for tokens with any key id."""

    ready = True

    def __init__(self, key: Key, source: str = "") -> None:
        """Take the key.

        Args:
            key: the key.
            source: the setting that holds it, for the log.

        """
        self._key = key
        self._source = source

    async def find(self, kid: str | None) -> Key | None:
        """Return the key."""
        return self._key

    def known(self, kid: str | None) -> Key | None:
        """Return the key."""
        return self._key

    async def run(self) -> None:
        """Log by which algorithm tokens are verified; the key stays as it is."""
        log.info("jwt_key", algorithm=self._key.algorithm, key=self._key.form, source=self._source)


class JwtAuthenticator:
    """Finds the identity of a client by a token that an issuer signed."""

    asks = True

    def __init__(
        self,
        keys: KeySource,
        *,
        issuer: str = "",
        audience: str = "",
        leeway_s: float = 10.0,
        require_exp: bool = True,
        default_scopes: Iterable[str] = (),
        names: OwnerNames = ONLY_SUBJECTS,
    ) -> None:
        self._keys = keys
        self._names = names
        self._issuer = issuer or None
        self._audience = audience or None
        self._leeway_s = leeway_s
        self._required = ["sub", "exp"] if require_exp else ["sub"]
        self._default_scopes = frozenset(default_scopes)

    @property
    def ready(self) -> bool:
        """Whether it can verify a token now."""
        return self._keys.ready

    async def identify(self, credential: str) -> Identity:
        """Return the identity that a token was issued to.

        Raises:
            ProblemError: `unauthenticated`, or `auth_unavailable`: no key is there to check it by.

        """
        key = await self._keys.find(_key_id(credential))
        if key is None:
            raise unauthenticated("the token is signed with a key that its issuer does not publish")
        return self._identity(credential, key)

    def identify_now(self, credential: str) -> Identity | None:
        """Return the identity that a token was issued to; None: its key is not at hand.

        Raises:
            ProblemError: `unauthenticated`.

        """
        key = self._keys.known(_key_id(credential))
        return None if key is None else self._identity(credential, key)

    async def run(self) -> None:
        """Keep the keys fresh, until cancelled."""
        await self._keys.run()

    def _identity(self, credential: str, key: Key) -> Identity:
        claims = self._verify(credential, key)
        identity = identity_of(claims, self._leeway_s, self._default_scopes, time.time())
        return msgspec.structs.replace(identity, owner=self._names.of_subject(identity.owner))

    def _verify(self, credential: str, key: Key) -> dict[str, Any]:
        try:
            return jwt.decode(
                credential,
                key.material,
                algorithms=[key.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway_s,
                options={"require": self._required},
            )
        except (jwt.PyJWTError, *_BROKEN) as error:
            raise unauthenticated(_why(error)) from error


def _key_id(credential: str) -> str | None:
    if len(credential) > MAX_TOKEN_CHARS:
        raise unauthenticated("the credential is too long for a token")
    try:
        kid = jwt.get_unverified_header(credential).get("kid")
    except (jwt.PyJWTError, *_BROKEN) as error:
        raise unauthenticated("the credential is not a JSON Web Token") from error
    return kid if isinstance(kid, str) else None


_BROKEN = (ValueError, TypeError, OverflowError, RecursionError)
"""The errors that PyJWT passes on when a hostile token breaks the decoding of JSON and numbers."""


def _why(error: Exception) -> str:
    """Return the reason for the client, which repeats neither the token nor a library's message."""
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    return "the token is not valid"


_REASONS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.ImmatureSignatureError: "the token is not valid yet",
    jwt.InvalidAudienceError: "the token is for another audience",
    jwt.InvalidIssuerError: "the token comes from another issuer",
    jwt.MissingRequiredClaimError: "the token lacks a claim that is required (sub, exp, iss, aud)",
    jwt.InvalidAlgorithmError: "the token is signed by another algorithm than the key's",
    jwt.InvalidSignatureError: "the signature is wrong",
}
