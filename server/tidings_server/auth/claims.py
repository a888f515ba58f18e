"""What a verified token says, as an identity."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .identity import SCOPES, Identity, unauthenticated

MAX_OWNER = 255
"""Characters of a subject (OpenID Connect Core, section 2)."""

_OWNER = re.compile(rf"[ -~\u00a0-\U0010ffff]{{1,{MAX_OWNER}}}")


def identity_of(claims: Mapping[str, Any], leeway_s: float, default_scopes: Iterable[str], now: float) -> Identity:
    """Return whom a token's claims describe.

    Args:
        claims: of a token whose signature, times, issuer and audience are right.
        leeway_s: how long after its `exp` it is still taken.
        default_scopes: what it may do if it says nothing of it.
        now: s since the epoch.

    Raises:
        ProblemError: `unauthenticated`: a claim of ours is not what it should be.

    """
    owner = claims.get("sub")
    if not isinstance(owner, str) or _OWNER.fullmatch(owner) is None:
        raise unauthenticated(f"the claim sub must be a text of 1 to {MAX_OWNER} printable characters")
    exp = claims.get("exp")
    kinds = claims.get("kinds")
    return Identity(
        owner=owner,
        scopes=frozenset(_words("scope", claims["scope"]) if "scope" in claims else default_scopes) & SCOPES,
        kinds=None if kinds is None else frozenset(_words("kinds", kinds)),
        since=float(claims.get("iat", now)),
        expires_at=None if exp is None else float(exp) + leeway_s,
    )


def _words(name: str, value: object) -> list[str]:
    """Return what is separated by spaces (RFC 8693, section 4.2) or stands in a list."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return value
    raise unauthenticated(f"the claim {name} must be words separated by spaces, or a list of texts")
