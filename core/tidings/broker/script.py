"""The Lua scripts: loaded from `lua/*.lua`, each with the prelude before it, run by their digest.

A store that has reached its `maxmemory` refuses a script before its first step, so that nothing is
half-written, unless the script's first line says `#!lua flags=allow-oom`. That line stands in every
script that ends work or frees memory, or without which those could not run: a full store empties itself.

Source: https://redis.io/docs/latest/develop/programmability/lua-api/#script-flags
"""

import asyncio
import hashlib
from importlib import resources
from typing import Any, Generic, TypeVar

import msgspec
from redis.asyncio import Redis

from .connection import caller_of
from .error import ScriptUnknownError
from .pipe import Call
from .prompt import Prompt

Reply = TypeVar("Reply")

_pack = msgspec.msgpack.Encoder().encode


_REFUSED_WHEN_FULL = "#!lua"
"""The first line of a script that names no flags of its own."""


def source(name: str) -> str:
    """Return the text that runs in the store for the script `name`: its flags, the prelude, its body."""
    folder = resources.files(__package__) / "lua"
    prelude = (folder / "_prelude.lua").read_text(encoding="utf-8")
    text = (folder / f"{name}.lua").read_text(encoding="utf-8")
    flags, body = text.split("\n", 1) if text.startswith("#!") else (_REFUSED_WHEN_FULL, text)
    return f"{flags}\n{prelude}{body}"


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

    def __call__(self, store: Redis, root: str, args: tuple[Any, ...]) -> "asyncio.Future[Reply]":
        """Run the script on the partition whose keys begin with `root`.

        Returns:
            A future of the reply. It fails with `StoreError`: the store is unavailable or full, or refused the script.

        """
        caller, packed = caller_of(store), _pack(args)
        future: Prompt[Reply] = caller.promise()

        def take(answer: Any) -> None:
            if isinstance(answer, ScriptUnknownError):  # a restarted store has forgotten it
                caller.send(Call(("EVAL", self._text, 1, root, packed), finish, future))
            else:
                finish(answer)

        def finish(answer: Any) -> None:
            future.settle(answer if isinstance(answer, Exception) else self._read(answer))

        caller.send(Call(("EVALSHA", self._digest, 1, root, packed), take, future))
        return future

    def _read(self, answer: bytes) -> Reply | Exception:
        try:
            return self._decode(answer)
        except msgspec.DecodeError as fault:  # not what our own script says
            return fault
