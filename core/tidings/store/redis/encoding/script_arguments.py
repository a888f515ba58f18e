"""The arguments of a script as MessagePack, and large texts beside them.

To pack a text copies it, and so does the script that unpacks it: a large one is an argument of its own instead, of
which neither side makes a copy on the way. In its place in the packed arguments stands its number, from 1
(`lua/lib/batch.lua`, `place_texts`).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

LARGE_TEXT_BYTES: Final = 16_384
"""From this size on a text stands beside the arguments: below, one argument more costs as much as the copies."""


class LargeText:
    """A large text on its way to a script."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data: bytes = data
        """UTF-8."""

    def __len__(self) -> int:
        """Return its size, bytes."""
        return len(self.data)


def text_of(data: bytes) -> str | LargeText:
    """Return a text as an item of a script has it: one that is large without a copy."""
    return data.decode() if len(data) < LARGE_TEXT_BYTES else LargeText(data)


def pack_arguments(arguments: object) -> tuple[bytes, Sequence[bytes]]:
    """Return arguments as MessagePack, and the large texts among them.

    Raises:
        TypeError: MessagePack has no form for a part of them; so for what msgspec raises besides.

    """
    try:
        return _pack(arguments), ()
    except TypeError:  # nearly no call has a large text, so none looks for one beforehand
        texts: list[bytes] = []

        def place(part: Any) -> int:
            if not isinstance(part, LargeText):
                raise TypeError(f"a {type(part).__qualname__} has no form in MessagePack")
            texts.append(part.data)
            return len(texts)

        return msgspec.msgpack.Encoder(enc_hook=place).encode(arguments), texts


_pack = msgspec.msgpack.Encoder().encode
