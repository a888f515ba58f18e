"""What a store, or each node of a cluster, says of itself, as far as its user may ask.

Each is asked in one round trip what it is and what its user may do, and in another how it is set where that matters and
may be asked: a command that is refused would stand in the store's own log of refusals.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.store.admin.store_access import KEYED, named_denials, needed_commands
from tidings.store.availability.store_errors import (
    CommandDeniedError,
    StoreError,
    StoreUnavailableError,
)
from tidings.store.redis.script import script_text
from tidings.store.redis.single_store import Store, keys_of

ANSWER_S = 6.0
"""How long a store or a node may take for all of it, s: longer than a connection may take, whose error says more."""

_CONFIG = ("CONFIG", "GET", "appendonly", "appendfsync", "cluster-require-full-coverage")
"""Asks how a store is set; several names in one command are known since Redis 7.0."""

_REPLAYER = "default"
"""As which user a store replays the commands of its append-only file."""

_encode = msgspec.msgpack.Encoder().encode
_WRITE = list(KEYED).index("HSET")
"""Its place among the needed commands: one that writes, with a key of Tidings."""

_decode_places = msgspec.msgpack.Decoder(list[int]).decode


class StoreFacts(NamedTuple):
    """Of one store or node."""

    node: str = ""
    """Its address in a cluster; empty: it is the one store there is."""
    info: Mapping[str, str] = {}
    """The fields of `INFO`; empty: its user may not ask."""
    config: Mapping[str, str] = {}
    """Some of its settings; empty: it was not asked, or its user may not ask."""
    denied: Sequence[str] | None = None
    """The needed commands that its user may not use, or not with the keys and channels of Tidings; None: unknown."""
    user: str = ""
    """Its user; empty: the default one."""
    replays: bool | None = None
    """Whether the user `default`, with whose rights some stores replay their append-only file, may write what Tidings
    writes; None: unknown, or it does not matter."""


async def read_facts(store: Store, *, config: bool) -> list[StoreFacts]:
    """Return what is known of a store, of a cluster of each node that answers.

    Args:
        store: a client of it.
        config: whether it matters how it is set; of nodes it always does.

    Raises:
        StoreError: none answers in time.

    """
    sharded, parts = store.caller.sharded, await store.known_parts()
    needed = needed_commands(keys_of(store), store.channel_prefix, sharded=sharded)
    asked = (_in_time(_facts_of(one, needed, config=config or sharded, sharded=sharded)) for one in parts)
    found = await asyncio.gather(*asked, return_exceptions=True)
    facts = [one for one in found if isinstance(one, StoreFacts)]
    for one in found:
        if isinstance(one, BaseException) and not (facts and isinstance(one, StoreUnavailableError)):
            raise one
    return facts


async def _in_time(facts: Awaitable[StoreFacts]) -> StoreFacts:
    """Return what one store or node says, unless it takes too long: others have said it by then."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await facts
    except TimeoutError:
        raise StoreUnavailableError(f"it did not say within {ANSWER_S:g} s what it is") from None


async def _facts_of(store: Store, needed: Sequence[tuple[str, ...]], *, config: bool, sharded: bool) -> StoreFacts:
    place = store.connection_pool.connection_kwargs
    write = ("ACL", "DRYRUN", _REPLAYER, *needed[_WRITE])
    asked = [*needed, _CONFIG, write]
    # By its text and without a key: a node of a cluster need not hold any slot of ours.
    permitted = ("EVAL", script_text("permitted"), 0, _encode((asked,)))
    # PING must be answered: what is refused while a connection is made, such as a database, is no answer.
    _, info, places = await asyncio.gather(store.caller.ask("PING"), _answer(store, "INFO"), _answer(store, *permitted))
    lacking: list[str] | None = None
    if isinstance(places, bytes):
        lacking = named_denials(asked, _decode_places(places))
    elif isinstance(places, CommandDeniedError):
        lacking = ["EVAL"]
    settings: Any = None
    if config and lacking is not None and "CONFIG GET" not in lacking and "EVAL" not in lacking:
        settings = await _answer(store, *_CONFIG)
    user, said = str(place.get("username") or ""), read_info(info)
    replays: bool | None = None
    may_ask = lacking is not None and not {"ACL DRYRUN", "EVAL"} & set(lacking)
    if may_ask and user not in ("", _REPLAYER) and checks_replayed(said):
        replays = await _answer(store, *write) == b"OK"
    return StoreFacts(
        f"{place.get('host')}:{place.get('port')}" if sharded else "",
        said,
        _pairs(settings),
        None if lacking is None else [one for one in lacking if one not in ("CONFIG GET", "ACL DRYRUN")],
        user,
        replays,
    )


async def _answer(store: Store, *command: str | bytes | int) -> Any:
    """Return an answer, or the refusal of a store that is there."""
    try:
        return await store.caller.ask(*command)
    except StoreUnavailableError:
        raise
    except StoreError as error:
        return error


def checks_replayed(info: Mapping[str, str]) -> bool:
    """Return whether a store replays an append-only file, and drops of it what its user `default` may not do.

    What a script writes stands there as a transaction, and the store checks a transaction as it would that of a client.
    Valkey 9.1.2 was tried and does not.

    Source: https://github.com/valkey-io/valkey/issues/3983, https://github.com/redis/redis/issues/14541

    """
    if info.get("aof_enabled") != "1":
        return False
    valkey = tuple(int(part) for part in info.get("valkey_version", "").split(".") if part.isdecimal())
    return valkey < (9, 1, 2)


def read_info(answer: Any) -> dict[str, str]:
    """Return the fields of an answer to `INFO`; of a refusal none."""
    if not isinstance(answer, bytes):
        return {}
    lines = (line.partition(":") for line in answer.decode(errors="replace").splitlines())
    return {name: value for name, colon, value in lines if colon and not name.startswith("#")}


def _pairs(answer: Any) -> dict[str, str]:
    texts = [one.decode(errors="replace") for one in answer] if isinstance(answer, list) else []
    return dict(zip(texts[::2], texts[1::2], strict=True))
