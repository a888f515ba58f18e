"""Issuing grants: to an identity that may do itself what the grant allows, and not for longer than it may be valid."""

import time
from collections.abc import Collection

from tidings.protocol.grants import GRANT_ACTS, GrantAct, IssuedGrant
from tidings.protocol.problems import problem_error
from tidings.protocol.timestamps import rfc3339
from tidings_server.auth.grant import Grant, JobScope, TagScope
from tidings_server.auth.identity import SCOPES_OF_ACTS, Identity

from .grant_codec import GrantCodec


class GrantIssuer:
    """Issues the grants of one server."""

    def __init__(self, codec: GrantCodec, max_ttl_s: float) -> None:
        """Prepare.

        Args:
            codec: writes them.
            max_ttl_s: the longest that one may be valid, s.

        """
        self._codec = codec
        self._max_ttl_s = max_ttl_s

    def check(self, identity: Identity, may: Collection[GrantAct], ttl: float, field: str = "") -> None:
        """Refuse a wish for a grant that cannot be issued to `identity` for any job.

        Args:
            identity: who asks.
            may: what the grant is to allow.
            ttl: how long it is to be valid, s.
            field: JSON Pointer to the object in which `may` and `ttl` stand.

        Raises:
            ProblemError: `forbidden` at `may`; `invalid_frame` at `ttl`; `auth_unavailable`: there is no key as yet.

        """
        self._codec.require_keys()
        for act in may:
            scope = SCOPES_OF_ACTS[act]
            if not identity.allows(scope):
                detail = f"the credential lacks the scope {scope!r}, so it cannot give a grant for {act!r}"
                raise problem_error("forbidden", detail, field=f"{field}/may")
        if ttl > self._max_ttl_s:
            detail = f"a grant is valid for at most {self._max_ttl_s:g} s (max_grant_ttl_s)"
            raise problem_error("invalid_frame", detail, field=f"{field}/ttl", limit=self._max_ttl_s)

    def issue(
        self,
        identity: Identity,
        scope: JobScope | TagScope,
        may: Collection[GrantAct],
        ttl: float,
        field: str = "",
    ) -> IssuedGrant:
        """Return a grant. That `identity` may see the jobs is the caller's to check.

        It ends with the credential of `identity`, if that is earlier.

        Args:
            identity: who asks.
            scope: the jobs.
            may: what it allows.
            ttl: how long it is valid, s.
            field: as for `check`.

        Raises:
            ProblemError: as `check`; `too_large`: it names more than a grant can hold; `auth_unavailable`.

        """
        self.check(identity, may, ttl, field)
        ends = time.time() + ttl
        if identity.expires_at is not None:
            ends = min(ends, identity.expires_at)
        expires_ms = int(ends * 1000)
        grant = Grant(scope=scope, may=frozenset(may), expires_at=expires_ms / 1000)
        acts = tuple(act for act in GRANT_ACTS if act in grant.may)
        return IssuedGrant(grant=self._codec.write(grant), may=acts, expires_at=rfc3339(expires_ms))
