"""The Lua scripts: loaded from `lua/*.lua`, each with the prelude before it, run by their digest."""

import hashlib
from importlib import resources
from typing import Any, Generic, TypeVar

import msgspec
from redis.asyncio import Redis

from .connection import command
from .error import ScriptUnknownError

Reply = TypeVar("Reply")

_pack = msgspec.msgpack.Encoder().encode


def source(name: str) -> str:
    """Return the text that runs in the store for the script `name`."""
    folder = resources.files(__package__) / "lua"
    prelude = (folder / "_prelude.lua").read_text(encoding="utf-8")
    return prelude + (folder / f"{name}.lua").read_text(encoding="utf-8")


class Script(Generic[Reply]):
    """One operation: a batch in, a reply for each item out.

    Arguments travel as one MessagePack text and replies come back as one, because what a call
    costs this process is the number of its arguments, not their size.
    """

    def __init__(self, name: str, reply: type[Reply]) -> None:
        self.name = name
        self._text = source(name)
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()
        self._decode = msgspec.msgpack.Decoder(reply).decode

    async def __call__(self, store: Redis, root: str, args: tuple[Any, ...]) -> Reply:
        """Run the script on the partition whose keys begin with `root`.

        Raises:
            StoreError: the store is unavailable or full, or refused the script.

        """
        packed = _pack(args)
        try:
            answer = await command(store, "EVALSHA", self._digest, 1, root, packed)
        except ScriptUnknownError:  # a restarted store has forgotten it
            answer = await command(store, "EVAL", self._text, 1, root, packed)
        return self._decode(answer)
