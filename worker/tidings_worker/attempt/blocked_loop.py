"""What is remembered of a job whose worker could be lost because its event loop was blocked."""

from typing import Final

import msgspec

BLOCKED_LOOP_MEMO: Final = "tidings:loop_blocked"
"""The name under which it is recorded, among what `ctx.once` records."""


class BlockedLoop(msgspec.Struct, frozen=True):
    """By what, and where."""

    text: str
    """For the problem that ends the job."""
    stack: str
    """For its dead letter, which clients do not see."""


def encode_blocked_loop(blocked: BlockedLoop) -> str:
    """Return the JSON text that is recorded."""
    return msgspec.json.encode(blocked).decode()


def read_blocked_loop(memo: str) -> BlockedLoop | None:
    """Return what is recorded; None: nothing, or what a handler has recorded under that name."""
    try:
        return msgspec.json.decode(memo, type=BlockedLoop) if memo else None
    except msgspec.DecodeError:
        return None
