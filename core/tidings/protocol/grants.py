"""Grants: what their bearers may do, and how they are asked for and issued.

A grant is opaque to clients. The server alone makes and reads it: `tidings_server.auth.grants`.
"""

from typing import Annotated, Literal, get_args

import msgspec

from .field_types import TAG_PATTERN, OwnerText, Ref, TokenText
from .text_types import MomentText

GRANT_PREFIX = "tdg_"
"""What every grant begins with, so that servers, people and scanners of source code tell it from other credentials."""

MAX_GRANT_CHARS = 1_024
"""The longest grant."""

GRANT_TTL_S = 900.0
"""How long a grant is valid if the asker does not say."""

LONGEST_GRANT_TTL_S = 31_536_000.0
"""The longest that an operator may allow: a year."""

MAX_GRANT_JOBS = 24
"""The most jobs that one grant may name; a grant for a tag has no such bound."""

GrantAct = Literal["watch", "cancel", "signal"]
"""What a grant may allow."""

GRANT_ACTS: tuple[GrantAct, ...] = get_args(GrantAct)
"""The same, in the order in which answers list them."""

GrantActs = Annotated[tuple[GrantAct, ...], msgspec.Meta(min_length=1, max_length=len(GRANT_ACTS))]
"""Some of them."""

GrantTtl = Annotated[float, msgspec.Meta(ge=1, le=LONGEST_GRANT_TTL_S)]
"""How long a grant is valid, s; the server's setting `max_grant_ttl_s` may allow less."""

GrantText = Annotated[str, msgspec.Meta(max_length=MAX_GRANT_CHARS)]
"""A grant."""


class GrantRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which grant a submission asks for; `true` asks for one with the defaults."""

    may: GrantActs = ("watch",)
    """What its bearer may do: some of `watch`, `cancel`, `signal`."""
    ttl: GrantTtl = GRANT_TTL_S
    """Seconds for which it is valid, 1 to the server's `max_grant_ttl_s`."""


class IssuedGrant(msgspec.Struct, kw_only=True, frozen=True):
    """A grant, and what it allows."""

    grant: GrantText
    """What its bearer presents; opaque."""
    may: GrantActs
    """What its bearer may do."""
    expires_at: MomentText
    """When it ends (RFC 3339, the server's clock)."""


class GrantSubject(GrantRequest, kw_only=True, frozen=True):
    """Which grant is asked for, and for what: one of `token`, `tokens` and `tag`. The body of `POST /v1/grants`."""

    token: TokenText | None = None
    """The job."""
    tokens: Annotated[tuple[TokenText, ...], msgspec.Meta(min_length=1, max_length=MAX_GRANT_JOBS)] | None = None
    """Several jobs, such as those of a batch."""
    tag: Annotated[str, msgspec.Meta(pattern=TAG_PATTERN)] | None = None
    """All jobs of the owner with this tag, those that are yet to be submitted among them."""
    owner: OwnerText | None = None
    """With `tag`, and for administrators: whose jobs; without it the asker's own."""


class GrantFrame(GrantSubject, kw_only=True, frozen=True, tag="grant", tag_field="type"):
    """Asks for a grant for jobs that are the asker's; answered by `granted` or `error`."""

    ref: Ref
    """Number of this frame: `granted` or `error` repeats it."""


class Granted(IssuedGrant, kw_only=True, frozen=True, tag="granted", tag_field="type"):
    """The grant that was asked for."""

    ref: Ref
    """Number of the `grant` that this answers."""
