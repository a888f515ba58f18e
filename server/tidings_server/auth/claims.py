"""The claims of a verified token, as an identity."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from tidings.protocol.field_types import OWNER_PATTERN

from .identity import SCOPES, Identity, unauthenticated

MAX_OWNER = 255
"""Characters of a subject (OpenID Connect Core, section 2)."""

MAX_MOMENT = 2**53
"""The latest moment that a claim may name, s since the epoch: what a double holds exactly."""

# A token's JSON can hold halves of surrogate pairs. They are no characters, and no UTF-8 text can hold them.
_OWNER = re.compile(OWNER_PATTERN)
_HALF = re.compile(r"[\ud800-\udfff]")


def identity_of(claims: Mapping[str, Any], leeway_s: float, default_scopes: Iterable[str], now: float) -> Identity:
    """Return the identity that a token's claims describe.

    Args:
        claims: of a token whose signature, times, issuer and audience have been verified.
        leeway_s: how long after its `exp` the token is still accepted.
        default_scopes: the scopes of a token without a claim `scope`.
        now: s since the epoch.

    Raises:
        ProblemError: `unauthenticated`: a claim is not of the form that it must have.

    """
    owner = claims.get("sub")
    if not is_subject(owner):
        raise unauthenticated(f"the claim sub must be a text of 1 to {MAX_OWNER} printable characters")
    kinds = claims.get("kinds")
    return Identity(
        owner=owner,
        scopes=frozenset(_words("scope", claims["scope"]) if "scope" in claims else default_scopes) & SCOPES,
        kinds=None if kinds is None else frozenset(_words("kinds", kinds)),
        since=_moment("iat", claims.get("iat", now)),
        expires_at=None if claims.get("exp") is None else _moment("exp", claims["exp"]) + leeway_s,
    )


def is_subject(value: object) -> TypeGuard[str]:
    """Return whether a value can name a subject."""
    return isinstance(value, str) and _OWNER.match(value) is not None


def _moment(name: str, value: object) -> float:
    """Return a NumericDate (RFC 7519, section 2). A number in JSON need not fit into a float, nor be finite."""
    try:
        moment = float(value)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        moment = math.nan
    if not abs(moment) <= MAX_MOMENT:
        raise unauthenticated(f"the claim {name} must be a number of seconds since 1970, at most {MAX_MOMENT}")
    return moment


def _words(name: str, value: object) -> list[str]:
    """Return the words of a claim: separated by spaces (RFC 8693, section 4.2), or in a list."""
    words = value.split() if isinstance(value, str) else value
    if isinstance(words, list) and all(isinstance(word, str) and not _HALF.search(word) for word in words):
        return words
    raise unauthenticated(f"the claim {name} must be words separated by spaces, or a list of texts")
