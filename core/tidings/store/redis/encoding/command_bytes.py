"""Commands as the store reads them, with their large arguments uncopied.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/#sending-commands-to-a-redis-server
"""

from collections.abc import Sequence
from typing import Final

LARGE_BYTES: Final = 16_384
"""An argument of this size is a piece of its own; smaller ones are joined to what stands beside them."""


def command_pieces(args: Sequence[str | bytes | int]) -> list[bytes]:
    """Return a command in pieces that are written one behind the other."""
    pieces: list[bytes] = []
    joined = b"*%d\r\n" % len(args)
    for arg in args:
        data = arg if isinstance(arg, bytes) else str(arg).encode()
        joined += b"$%d\r\n" % len(data)
        if len(data) >= LARGE_BYTES:
            pieces += (joined, data)
            joined = b"\r\n"
        else:
            joined += data + b"\r\n"
    pieces.append(joined)
    return pieces
