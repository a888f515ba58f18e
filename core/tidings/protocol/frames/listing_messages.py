"""The answer of `GET /v1/jobs`: the jobs of one owner."""

import msgspec

from tidings.protocol.text_types import MomentText, StateText


class ListedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One job in the list of its owner."""

    token: str
    """The job's name for clients: `GET /v1/jobs/{token}` tells more."""
    kind: str
    """The kind of work."""
    status: StateText
    """The job's state."""
    attempt: int
    """How many attempts have begun; 0: none has."""
    tags: list[str]
    """Its tags."""
    submitted: MomentText
    """When the store accepted it (RFC 3339, the store's clock)."""
    finished: MomentText | None
    """When it ended (RFC 3339, the store's clock); null: it has not ended."""
    correlation_id: str
    """The client's; the token where it gave none."""


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an owner's jobs, the newest first."""

    jobs: list[ListedJob]
    """The jobs. Where few of many match, a page may hold less than was asked for, or nothing, and yet have a `next`."""
    next: str | None
    """The `cursor` of the next page; null: this is the last."""
    at: MomentText | msgspec.UnsetType = msgspec.UNSET
    """When the list was read (RFC 3339, the store's clock); servers of the release before do not say."""
