"""The frames by which a client follows all jobs with a tag."""

import msgspec

from tidings.protocol.field_types import Moment, Ref, Tag
from tidings.protocol.grants import GrantText
from tidings.protocol.text_types import MomentText


class Follow(msgspec.Struct, kw_only=True, frozen=True, tag="follow", tag_field="type", forbid_unknown_fields=True):
    """Asks for the events of all jobs with a tag; answered by `following`, or `error`.

    Of every job of the caller with that tag that lives, or is submitted later, a `snapshot` (ref null) and its events
    follow, until `unfollow`. A client that follows the tag already gets the snapshots again. A follow by a grant ends
    with it: an `error` with the tag, `grant_expiring`, comes before, and `grant_expired` then.
    """

    ref: Ref
    """Number of this frame: `following` or `error` repeats it."""
    tag: Tag
    """The tag: 1 to 64 visible ASCII characters."""
    owner: str | None = None
    """Whose jobs, where they are not the caller's: wants the scope `admin`."""
    since: Moment | None = None
    """Also the jobs that ended then or later, as far as they are kept: when the last connection ended."""
    grant: GrantText | None = None
    """A grant for the tag, by which its bearer follows the jobs of the grant's owner. Not beside `owner`."""


class Unfollow(msgspec.Struct, kw_only=True, frozen=True, tag="unfollow", tag_field="type", forbid_unknown_fields=True):
    """Asks for no more jobs of a tag; answered by `done`. It ends the watches that the follow began."""

    ref: Ref
    """Number of this frame: `done` repeats it."""
    tag: Tag
    """The tag."""


class Following(msgspec.Struct, frozen=True, kw_only=True, tag="following", tag_field="type"):
    """The client follows a tag from now on; the snapshots of the jobs come next."""

    ref: Ref
    """Number of the `follow` that this answers."""
    tag: str
    """The tag."""
    jobs: int
    """How many jobs there are by now, whose snapshots come next."""
    at: MomentText
    """The time (RFC 3339, the store's clock): for `since`, if the connection ends before a later event."""
