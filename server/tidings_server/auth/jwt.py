"""JSON Web Tokens: verified by a key whose type alone says how.

Sources: RFC 7519 (JWT), RFC 8725 (best current practices).
"""

import time
from collections.abc import Iterable
from typing import Any, Protocol

import jwt
import structlog

from .claims import identity_of
from .identity import Identity, unauthenticated
from .key import Key

log = structlog.get_logger()

MAX_TOKEN_CHARS = 16_384
"""A longer one is not read at all: it would be larger than HTTP servers take in a header."""


class KeySource(Protocol):
    """Where the keys are."""

    @property
    def ready(self) -> bool:
        """Whether a token could be verified now."""

    async def find(self, kid: str | None) -> Key | None:
        """Return the key of an id, which a token may not name; None: there is none."""

    async def run(self) -> None:
        """Keep them fresh, until cancelled; or return, if there is nothing to do."""


class ConfiguredKey:
    """The one key of the settings, whatever a token calls it."""

    ready = True

    def __init__(self, key: Key, source: str = "") -> None:
        """Take the key.

        Args:
            key: it.
            source: the setting that holds it, for the log.

        """
        self._key = key
        self._source = source

    async def find(self, kid: str | None) -> Key | None:
        """Return it."""
        return self._key

    async def run(self) -> None:
        """Log by which algorithm tokens are verified; the key stays as it is."""
        log.info("jwt_key", algorithm=self._key.algorithm, key=self._key.form, source=self._source)


class JwtAuthenticator:
    """Knows clients by tokens that an issuer signed."""

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
    ) -> None:
        self._keys = keys
        self._issuer = issuer or None
        self._audience = audience or None
        self._leeway_s = leeway_s
        self._required = ["sub", "exp"] if require_exp else ["sub"]
        self._default_scopes = frozenset(default_scopes)

    @property
    def ready(self) -> bool:
        """Whether a token could be verified now."""
        return self._keys.ready

    async def identify(self, credential: str) -> Identity:
        """Return whom a token was issued to.

        Raises:
            ProblemError: `unauthenticated`, or `auth_unavailable` where no key is there to tell by.

        """
        key = await self._keys.find(_key_id(credential))
        if key is None:
            raise unauthenticated("the token is signed with a key that its issuer does not publish")
        claims = self._verify(credential, key)
        return identity_of(claims, self._leeway_s, self._default_scopes, time.time())

    async def run(self) -> None:
        """Keep the keys fresh, until cancelled."""
        await self._keys.run()

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
"""What PyJWT lets through of what a hostile token does to JSON and to numbers."""


def _why(error: Exception) -> str:
    """Return what a client is told; never what stands in the token, nor in a library's words."""
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
