"""The record that a worker leaves of a job when its event loop is blocked, should it be lost for that."""

from typing import Final

import msgspec

BLOCKED_LOOP_MEMO: Final = "tidings:loop_blocked"
"""The name of the record, among those of `ctx.once`."""


class BlockedLoop(msgspec.Struct, frozen=True):
    """What blocked the loop, and where."""

    text: str
    """For the problem that ends the job."""
    stack: str
    """For its dead letter, which clients do not see."""


def encode_blocked_loop(blocked: BlockedLoop) -> str:
    """Return the record as JSON text."""
    return msgspec.json.encode(blocked).decode()


def read_blocked_loop(memo: str) -> BlockedLoop | None:
    """Return the record; None: there is none, or a handler has recorded something else under that name."""
    try:
        return msgspec.json.decode(memo, type=BlockedLoop) if memo else None
    except msgspec.DecodeError:
        return None
