"""The Lua scripts: loaded from the folders of `lua`, called as functions of one library, or by their text's digest.

A store that knows no functions, or a user who may not call them (Redis 7 and Valkey have them; some that speak their
protocol do not), gets each script by its text, with what it uses of the function libraries (`lua/lib`) before it.

A store that has reached its `maxmemory` refuses a script before its first step, so that nothing is
half-written, unless the script's first line says `#!lua flags=allow-oom`. That line stands in every
script that ends work or frees memory, or without which those could not run: a full store empties itself.

Source: https://redis.io/docs/latest/develop/programmability/lua-api/#script-flags
"""

import asyncio
import functools
import hashlib
import typing
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import resources
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from redis.asyncio import Redis

from tidings.store.availability.store_errors import (
    CommandDeniedError,
    ItemError,
    ScriptUnknownError,
    StoreError,
    StoreFullError,
)

from .command_pool import CommandPool
from .encoding.script_arguments import pack_arguments
from .lua_library import LuaLibrary, build_library, is_used, keep_used
from .pipelined_connection import PendingCommand
from .reply_future import ReplyFuture
from .single_store import command_pool_of

Reply = TypeVar("Reply")

_decode_text = msgspec.msgpack.Decoder(str).decode


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
"""What msgspec raises for what is not as it should be; bytes that are no text are not its own error."""

_REFUSED_WHEN_FULL = "#!lua"
"""The first line of a script that names no flags of its own."""

FUNCTION_LIBRARIES: Final = (
    "keys", "clock", "states", "batch", "records", "events/webhooks", "events/followers", "events/events",
    "waiting/callers", "waiting/lanes", "waiting/schedule", "waiting/limits", "waiting/unserved", "events/history",
    "saga", "owners", "streams/streams", "endings", "events/logs", "conclude",
)  # fmt: skip
"""The files of `lua/lib`, by their paths in it, in the order in which they use each other."""

OWN_LIBRARIES: Final = ("events/group_state", "streams/stream_writes", "waiting/earlier")
"""Files of `lua/lib` that only the scripts have whose texts use them: Lua allows a text 200 local variables."""

_FOLDER = resources.files("tidings.store") / "lua"


def shared_text() -> str:
    """Return what every script may use: the function libraries."""
    return "".join(_read(f"lib/{name}") for name in FUNCTION_LIBRARIES)


def script_text(name: str) -> str:
    """Return the text of the script `name`: its flags, what it uses of the function libraries, its body."""
    text = _body(name)
    flags, body = text.split("\n", 1) if text.startswith("#!") else (_REFUSED_WHEN_FULL, text)
    # A function of its own: Lua allows each function 200 local variables, and the shared text has most of them.
    return f"{flags}\n{keep_used(shared_text(), body)}return (function()\n{body}\nend)()\n"


@functools.cache
def library(*, sharded: bool = False) -> LuaLibrary:
    """Return the library of all scripts; sharded: that of clusters, where a message stays on its slot's node."""
    shared, bodies = shared_text(), {name: _body(name) for name in sorted(_rooms())}
    if sharded:
        shared, bodies = _sharded(shared), {name: _sharded(body) for name, body in bodies.items()}
    return build_library(shared, bodies)


def _sharded(text: str) -> str:
    return text.replace("redis.call('PUBLISH'", "redis.call('SPUBLISH'")


class ScriptForm(NamedTuple):
    """A script as one kind of store takes it."""

    function: str
    """Its name in the library."""
    text: str
    digest: str


@functools.cache
def script_form(name: str, *, sharded: bool = False) -> ScriptForm:
    """Return a script as it is called; sharded: in a cluster."""
    text = _sharded(script_text(name)) if sharded else script_text(name)
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return ScriptForm(library(sharded=sharded).functions[name], text, digest)


def declared_keys(root: str, *, sharded: bool) -> tuple[str | int, ...]:
    """Return the keys that a script declares, their number first.

    None of them ever exists. In a cluster there are two: while a slot moves, its old node then sends the script to the
    new one, and the new one refuses it until all of the slot is there ("TRYAGAIN"), so that no script runs on a half of
    its partition. Of a single key that is missing, the new node would take the slot for empty.
    """
    return (2, root, f"{root}~") if sharded else (1, root)


@functools.cache
def _rooms() -> dict[str, str]:
    """Return every script's name with that of its folder in `lua`; the name is the script's alone in all folders."""
    return {
        script.name.removesuffix(".lua"): room.name
        for room in _FOLDER.iterdir()
        if room.is_dir() and room.name != "lib"
        for script in room.iterdir()
    }


def _body(name: str) -> str:
    """Return a script's own text, with those of `OWN_LIBRARIES` that it uses behind the line of its flags."""
    text = _read(f"{_rooms()[name]}/{name}")
    flags, rest = text.split("\n", 1) if text.startswith("#!") else ("", text)
    used = [keep_used(_read(f"lib/{own}"), rest) for own in OWN_LIBRARIES if is_used(_read(f"lib/{own}"), rest)]
    return "\n".join([*([flags] if flags else []), *used, rest])


@functools.cache
def _read(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


class Script(Generic[Reply]):
    """One operation: a batch in, a reply for each item out.

    Arguments travel as one MessagePack text and replies come back as one, because what a call
    costs this process is the number of its arguments, not their size. Large texts stand beside them, on either way.

    The reply to an item may be a text instead: `!` and why that item could not be done, because of what the store
    holds of it; or what the script says. A reply that is a list of one for each item is `list[X | str]`.
    """

    def __init__(
        self,
        name: str,
        reply: type[Reply],
        *,
        acknowledged: bool = False,
        place_texts: Callable[[Any, Sequence[bytes]], Any] | None = None,
    ) -> None:
        """Prepare.

        Args:
            name: of its file.
            reply: what the store says.
            acknowledged: whether a caller takes the reply for a promise: where the operator chose that replicas must
                have what the script wrote, the reply waits for them.
            place_texts: returns the reply with large texts in their places, where the store says a list of the reply
                and of such texts; None: it never does.

        """
        self.name = name
        self.acknowledged = acknowledged
        self.place_texts = place_texts
        self.form: ScriptForm = script_form(name)
        self.function: str = self.form.function
        self.text: str = self.form.text
        self.digest: str = self.form.digest
        self.decode: Callable[[bytes], Reply] = msgspec.msgpack.Decoder(reply).decode
        self._item_decoder = _item_decoder(reply)

    def salvage(self, answer: bytes, fault: Exception) -> Any:
        """Decode a reply item by item, because one at least is not of its type.

        An item is a text where the script says so, as for a fault (`!`). A record may also hold bytes that are no text,
        or numbers that are none: an item that cannot be decoded becomes a text with `!`.

        Raises:
            ItemError: the reply has no items.

        """
        if self._item_decoder is None:
            raise ItemError(f"{self.name}: {fault}") from fault
        with_items, decode = self._item_decoder
        *before, items = msgspec.msgpack.decode(answer, type=with_items) if with_items else (answer,)
        replies = [self._salvage_item(raw, decode) for raw in msgspec.msgpack.decode(items, type=list[msgspec.Raw])]
        return (*before, replies) if with_items else replies

    def _salvage_item(self, raw: msgspec.Raw, decode: Callable[[msgspec.Raw], Any]) -> Any:
        try:
            return decode(raw)
        except UNREADABLE as fault:
            try:
                return _decode_text(raw)
            except UNREADABLE:
                return f"!{self.name}: {fault}"

    def __call__(self, store: Redis, root: str, args: tuple[Any, ...]) -> "asyncio.Future[Reply]":
        """Run the script on the partition whose keys begin with `root`.

        Returns:
            A future of the reply. It fails with `StoreError`: the store is unavailable or full, or refused the script.

        """
        running = _ScriptCall(self, command_pool_of(store), root, args)
        running.begin()
        return running.reply


def _item_decoder(reply: Any) -> tuple[Any, Callable[[Any], Any]] | None:
    """Return how the items of a reply are decoded one by one; None: it has none.

    The items are the whole reply, or the list that a tuple ends with where they are answers; the first part of what
    this returns is then the type of the tuple with that list undecoded.
    """
    parts = typing.get_args(reply)
    if typing.get_origin(reply) is list:
        return None, msgspec.msgpack.Decoder(parts[0]).decode
    if typing.get_origin(reply) is tuple and typing.get_origin(parts[-1]) is list:
        (item,) = typing.get_args(parts[-1])
        if isinstance(item, type) and issubclass(item, StrEnum):
            return tuple.__class_getitem__((*parts[:-1], msgspec.Raw)), msgspec.msgpack.Decoder(item).decode
    return None


_NO_MORE: Final = ("", "")
"""What stands for `CommandPool.marking_args` in a call that has none of it."""


class _ScriptCall(Generic[Reply]):
    """One call of a script, until the store has taken it in one of the forms that it may know."""

    __slots__ = ("_args", "_caller", "_form", "_script", "_send_call", "reply")

    def __init__(self, script: Script[Reply], caller: CommandPool, root: str, args: tuple[Any, ...]) -> None:
        self._script = script
        self._caller = caller
        self._form = script_form(script.name, sharded=True) if caller.sharded else script.form
        keys = declared_keys(root, sharded=True) if caller.sharded else (1, root)
        waits = caller.replicated is not None and script.acknowledged
        self._send_call = caller.send_replicated if waits else caller.send
        more: tuple[str | bytes, ...] = caller.marking_args if waits else caller.script_args
        packed, texts = pack_arguments(args)
        if texts:  # they stand behind the channels' prefix and the mark, which may be empty then
            more = (*more, *_NO_MORE[len(more) :], *texts)
        self._args: tuple[str | bytes | int, ...] = (*keys, packed, *more)
        self.reply: ReplyFuture[Reply] = caller.promise()

    def begin(self) -> None:
        if self._caller.functions:
            self._send(self._take_of_function, "FCALL", self._form.function, *self._args)
        else:
            self._send_digest()

    def _send(self, take: Callable[[Any], None], *args: str | bytes | int) -> None:
        self._send_call(PendingCommand(args, take, self.reply))

    def _take_of_function(self, answer: Any) -> None:
        if isinstance(answer, ScriptUnknownError):  # a new store, or one that has forgotten
            text = library(sharded=self._caller.sharded).text
            self._caller.send(
                PendingCommand(("FUNCTION", "LOAD", text), self._take_of_load, self.reply, str(self._args[1]))
            )
        elif isinstance(answer, CommandDeniedError):
            self._caller.functions = False
            self._send_digest()
        else:
            self._finish(answer)

    def _take_of_load(self, answer: Any) -> None:
        if isinstance(answer, CommandDeniedError):
            self._caller.functions = False
            self._send_digest()
        elif isinstance(answer, StoreFullError):
            # What empties a full store is allowed to run there; a library would have to find room first.
            self._send_digest()
        elif isinstance(answer, StoreError) and not str(answer).endswith("already exists"):
            self._finish(answer)
        else:
            self._send(self._finish, "FCALL", self._form.function, *self._args)

    def _send_digest(self) -> None:
        self._send(self._take_of_digest, "EVALSHA", self._form.digest, *self._args)

    def _take_of_digest(self, answer: Any) -> None:
        if isinstance(answer, ScriptUnknownError):
            self._send(self._finish, "EVAL", self._form.text, *self._args)
        else:
            if isinstance(answer, CommandDeniedError):
                # Not for want of functions, then: what is denied may be allowed again, in the quicker form too.
                self._caller.functions = True
            self._finish(answer)

    def _finish(self, answer: Any) -> None:
        try:
            if isinstance(answer, bytes):
                answer = self._decode(answer)
            elif isinstance(answer, list) and self._script.place_texts is not None:
                answer = self._script.place_texts(self._decode(answer[0]), answer[1:])
        except (*UNREADABLE, ItemError) as fault:
            answer = fault
        self.reply.settle(answer)

    def _decode(self, answer: bytes) -> Any:
        try:
            return self._script.decode(answer)
        except UNREADABLE as fault:
            return self._script.salvage(answer, fault)
