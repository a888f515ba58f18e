"""The cursor of a page of an owner's jobs: where it ended, and of which list."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import msgspec

from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import PARTITION_PATTERN
from tidings.store.jobs.owned_jobs import OwnedFilter, OwnedPosition

MAX_CURSOR = 256
"""Characters of a cursor."""

_ID_PATTERN = r"^[A-Za-z0-9_-]{0,22}$(?!\n)"


class ListCursor(msgspec.Struct, array_like=True, frozen=True):
    """What a cursor holds. It is no secret and no right: a list holds the jobs that the caller may see."""

    list: str
    """Digest of the owner and the filters."""
    at_us: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    partition: Annotated[str, msgspec.Meta(pattern=PARTITION_PATTERN)]
    id: Annotated[str, msgspec.Meta(pattern=_ID_PATTERN)]


def write_cursor(position: OwnedPosition, owner: str, wanted: OwnedFilter) -> str:
    """Return the cursor of the page behind a position."""
    cursor = ListCursor(_digest(owner, wanted), position.at_us, position.partition, position.id)
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).rstrip(b"=").decode()


def read_cursor(text: str, owner: str, wanted: OwnedFilter) -> OwnedPosition:
    """Return the position that a cursor names.

    Raises:
        ProblemError: `invalid_frame`: it is none, or of another list.

    """
    try:
        if len(text) > MAX_CURSOR:
            raise _refusal("takes the `next` of the page before")
        data = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        cursor = msgspec.msgpack.decode(data, type=ListCursor)
    except (binascii.Error, msgspec.DecodeError, UnicodeError, ValueError) as error:
        raise _refusal("takes the `next` of the page before") from error
    if cursor.list != _digest(owner, wanted):
        raise _refusal("belongs to another list: keep `owner`, `tag`, `kind` and `state` from page to page")
    return OwnedPosition(cursor.at_us, cursor.partition, cursor.id)


def _refusal(why: str) -> ProblemError:
    return problem_error("invalid_frame", f"`cursor` {why}", field="/cursor")


def _digest(owner: str, wanted: OwnedFilter) -> str:
    what = msgspec.msgpack.encode((owner, wanted))
    return hashlib.blake2b(what, digest_size=9).hexdigest()
