"""The text of a grant: `tdg_`, the version of its form, and signed content in base64url (RFC 4648, no padding).

The content is MessagePack followed by 16 bytes of HMAC-SHA256: half of the digest, the least that RFC 2104 (section 5)
allows. It is authenticated, not secret: a bearer may read the token, or the owner and the tag, for which it is.

Reading needs neither the store nor a clock. It compares the signature under every key, each in constant time, and looks
at the content only when one of them fits: how long it takes depends on the length of the text and the number of keys.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence

import msgspec

from tidings.protocol.grants import GRANT_ACTS, GRANT_PREFIX, MAX_GRANT_CHARS
from tidings.protocol.problems import ProblemError, problem_error
from tidings_server.auth.grant import Grant, JobScope, TagScope
from tidings_server.auth.identity import unauthenticated

VERSION = "1"
"""Stands after the prefix: a server that knows another form refuses this one, and does not misread it."""

SIGNATURE_BYTES = 16
ID_CHARS = 22
"""Characters of the random part of a token."""

_SIGNED_FOR = b"tidings grant " + VERSION.encode() + b"\0"
"""Stands before the content in what is signed: a key that signs something else too signs no grant by it."""

_BEGINS = GRANT_PREFIX + VERSION


class _Jobs(msgspec.Struct, array_like=True, tag=0, frozen=True):
    """The content of a grant for some jobs."""

    acts: int
    """A bit for each of `GRANT_ACTS`."""
    expires_ms: int
    jobs: dict[str, str]
    """Partition → the random parts of the tokens, one after the other."""


class _Tag(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """The content of a grant for a tag."""

    acts: int
    expires_ms: int
    owner: str
    tag: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Jobs | _Tag).decode


class GrantCodec:
    """Writes grants under the first of some keys, and reads those written under any of them."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self.keys: tuple[bytes, ...] = tuple(keys)
        """The first signs; empty: they are not known yet."""

    def write(self, grant: Grant) -> str:
        """Return the text of a grant.

        Raises:
            ProblemError: `too_large`: it names more than a grant can hold; `auth_unavailable`.

        """
        self.require_keys()
        content = _encode(_content(grant))
        signed = content + _signature(self.keys[0], content)
        text = _BEGINS + base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
        if len(text) > MAX_GRANT_CHARS:
            detail = (
                f"the grant would have {len(text)} characters; at most {MAX_GRANT_CHARS} are allowed: ask for several "
                "grants, for fewer jobs each"
            )
            raise problem_error("too_large", detail, limit=MAX_GRANT_CHARS)
        return text

    def read(self, text: str, field: str | None = None) -> Grant:
        """Return the grant in a text. Its time may be over: see `Grant.covers`.

        Args:
            text: what a client presents as a grant.
            field: where it does so, as a JSON Pointer.

        Raises:
            ProblemError: `unauthenticated`: no key of this server has signed it; `auth_unavailable`.

        """
        self.require_keys()
        content, signature = _parts(text)
        signed = False
        for key in self.keys:
            signed |= hmac.compare_digest(_signature(key, content), signature)
        if not signed:
            raise _invalid(field)
        try:
            return _grant(_decode(content))
        except (msgspec.MsgspecError, ValueError) as error:  # a later release's, under the same key
            raise _invalid(field) from error

    def require_keys(self) -> None:
        """Refuse what needs a key while there is none.

        Raises:
            ProblemError: `auth_unavailable`.

        """
        if not self.keys:
            raise problem_error(
                "auth_unavailable", "this server has not read the key of grants from its store yet", retry_after=1
            )


def _parts(text: str) -> tuple[bytes, bytes]:
    """Return the content and the signature of a text; of what is no grant, something that no key has signed."""
    body = text.removeprefix(_BEGINS)
    if len(body) == len(text) or len(text) > MAX_GRANT_CHARS:
        return b"", b""
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b"", b""
    # Other texts would mean the same bytes: of the last character some bits are not used.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != body:
        return b"", b""
    return data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]


def _signature(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, _SIGNED_FOR + content, "sha256")[:SIGNATURE_BYTES]


def _content(grant: Grant) -> _Jobs | _Tag:
    acts = sum(1 << place for place, act in enumerate(GRANT_ACTS) if act in grant.may)
    expires_ms = round(grant.expires_at * 1000)
    if isinstance(grant.scope, TagScope):
        return _Tag(acts, expires_ms, grant.scope.owner, grant.scope.tag)
    jobs: dict[str, str] = {}
    for token in sorted(grant.scope.tokens):
        partition, _, random = token.partition(".")
        jobs[partition] = jobs.get(partition, "") + random
    return _Jobs(acts, expires_ms, jobs)


def _grant(content: _Jobs | _Tag) -> Grant:
    may = frozenset(act for place, act in enumerate(GRANT_ACTS) if content.acts >> place & 1)
    scope: JobScope | TagScope
    if isinstance(content, _Tag):
        scope = TagScope(content.owner, content.tag)
    else:
        scope = JobScope(
            frozenset(
                f"{partition}.{ids[begin : begin + ID_CHARS]}"
                for partition, ids in content.jobs.items()
                for begin in range(0, len(ids), ID_CHARS)
            )
        )
    return Grant(scope=scope, may=may, expires_at=content.expires_ms / 1000)


def _invalid(field: str | None) -> ProblemError:
    refused = unauthenticated("the grant is not valid here: it is damaged, or no key of this server has signed it")
    return ProblemError(msgspec.structs.replace(refused.problem, field=field))
