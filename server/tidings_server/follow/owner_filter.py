"""Whose jobs a client asks for, by an owner's name or by a tag.

They are its own, those for whose tag it has a grant, or, if it is an administrator, those of any owner.
"""

from collections.abc import Collection

import msgspec

from tidings.protocol.problems import problem_error
from tidings_server.auth.claims import MAX_OWNER
from tidings_server.auth.grant import Grant, TagScope
from tidings_server.auth.identity import Identity


def owner_asked_for(identity: Identity, owner: str | None) -> str:
    """Return whose jobs are meant.

    Args:
        identity: who asks.
        owner: the name that was given; None: none was.

    Raises:
        ProblemError: `forbidden` or `invalid_frame`, at `/owner`.

    """
    if owner is None or owner == identity.owner:
        return identity.owner
    require_owner(identity, owner)
    if not 1 <= len(owner) <= MAX_OWNER:
        detail = f"`owner` takes 1 to {MAX_OWNER} characters"
        raise problem_error("invalid_frame", detail, field="/owner", limit=MAX_OWNER)
    return owner


def require_owner(identity: Identity, owner: str) -> None:
    """Refuse an owner who is another than the caller, unless the caller is an administrator.

    Raises:
        ProblemError: `forbidden`, at `/owner`.

    """
    if owner != identity.owner and not identity.admin:
        raise problem_error("forbidden", "only the scope 'admin' names another owner", field="/owner")


class TagAccess(msgspec.Struct, frozen=True):
    """Whose jobs with a tag a client may see."""

    owner: str
    """As records of jobs name it."""
    scope: TagScope | None = None
    """The scope of the grants that give it; None: the client's credential does."""


def tag_access(
    identity: Identity, tag: str, owner: str | None = None, shown: Collection[Grant] | None = None
) -> TagAccess:
    """Return whose jobs with a tag are meant.

    Args:
        identity: who asks, with the grants that it holds.
        tag: the tag.
        owner: the name that was given; None: none was.
        shown: the grants that came with the request for this purpose; None: none did. They count before a credential.

    Raises:
        ProblemError: `forbidden` or `invalid_frame`, at `/owner` or `/grant`.

    """
    if shown is not None and owner is not None:
        raise problem_error("invalid_frame", "`owner` does not go with a grant, which says whose jobs", field="/owner")
    if shown is None and (owner is not None or identity.allows("watch") or not identity.grants):
        identity.require("watch")
        return TagAccess(owner_asked_for(identity, owner))
    grants = identity.grants if shown is None else shown
    scopes = {grant.scope for grant in grants if grant.covers_tag(tag) and "watch" in grant.may}
    if not scopes:
        detail = f"no grant opens the tag {tag!r}: they are for other jobs, do not allow 'watch', or are over"
        raise problem_error("forbidden", detail, field="/grant")
    if len(scopes) > 1:
        raise problem_error("invalid_frame", "grants of several owners open the tag: show one of them", field="/grant")
    (scope,) = scopes
    assert isinstance(scope, TagScope)
    return TagAccess(scope.owner, scope)
