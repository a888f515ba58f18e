"""The envelope: what a worker needs to know of a job, carried whole in its stream entry.

It is a JSON array of the fields in order, with the input just as the client sent it: no process between
reads it again, and text is what Lua's `cmsgpack` can carry (it knows no `bin`).
"""

from collections.abc import Callable

import msgspec


class Envelope(msgspec.Struct, array_like=True, frozen=True):
    """One job as it lies in the queue. Fields may be added at the end, with defaults."""

    kind: str
    input: msgspec.Raw
    version: int = 1
    """The version of the kind for which the input was checked."""
    correlation_id: str = ""
    traceparent: str = ""
    """W3C Trace Context, section 3.2."""
    tracestate: str = ""
    key: str = ""
    """The idempotency key; empty: none was given."""
    depth: int = 0
    """How many sagas stand above it."""
    owner: str = ""
    """Whose job it is; empty: a server without authentication took it, or a schedule made it."""
    tags: str = ""
    """With a space between each two."""


encode_envelope: Callable[[Envelope], bytes] = msgspec.json.Encoder().encode
decode_envelope: Callable[[bytes | str], Envelope] = msgspec.json.Decoder(Envelope).decode
