"""Random texts that cannot be guessed, drawn from the operating system in blocks.

To ask the operating system for the bytes of one text costs more than all else that is done with it. No text is given
out twice: taking one out of a block is one step for all threads of a process, and a process that was forked begins a
block of its own.

Source: https://docs.python.org/3/library/os.html#os.urandom
"""

import base64
import os

CHARACTERS = 22
"""Of one text: 132 bits, six to a character (RFC 4648 base64url)."""

_BLOCK_BYTES = 33 * 128
"""33 bytes are 44 characters, which are two texts."""

_block: list[str] = []


def random_text() -> str:
    """Return 22 characters of base64url, drawn at random by the operating system's generator for cryptography."""
    while True:
        block = _block
        try:
            text = block.pop()
        except IndexError:
            drawn = base64.urlsafe_b64encode(os.urandom(_BLOCK_BYTES)).decode("ascii")
            block += [drawn[at : at + CHARACTERS] for at in range(0, len(drawn), CHARACTERS)]
        else:
            if block is _block:  # a signal handler may fork in the midst of this: the parent then has the same block
                return text


def _forget_block() -> None:
    """Leave to the parent what it has drawn."""
    global _block
    _block = []


os.register_at_fork(after_in_child=_forget_block)
