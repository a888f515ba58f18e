"""Whose jobs a client asks for by an owner's name: its own, or those of another if it is an administrator."""

from tidings.protocol.problems import problem_error
from tidings_server.auth.claims import MAX_OWNER
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
