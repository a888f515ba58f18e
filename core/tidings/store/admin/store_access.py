"""What the store's user must be allowed, and what of it this user lacks."""

from collections.abc import Sequence

from redis.asyncio import Redis

from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import store_of

_PERMITTED: Script[list[int]] = Script("permitted", list[int])

KEYED: dict[str, tuple[str, ...]] = {
    "DEL": (), "EXISTS": (), "GET": (), "GETDEL": (), "HDEL": ("f",), "HEXISTS": ("f",), "HGET": ("f",),
    "HGETALL": (), "HINCRBY": ("f", "1"), "HKEYS": (), "HLEN": (), "HMGET": ("f",), "HRANDFIELD": (),
    "HSET": ("f", "v"),
    "HSETNX": ("f", "v"), "HSTRLEN": ("f",), "HVALS": (), "INCRBY": ("1",), "LPOP": (), "LRANGE": ("0", "0"),
    "LINDEX": ("0",), "LTRIM": ("0", "0"),
    "MGET": (), "PERSIST": (), "PEXPIRE": ("1",), "PTTL": (), "RPUSH": ("v",), "SADD": ("m",), "SCARD": (),
    "SET": ("v",),
    "SISMEMBER": ("m",), "SMEMBERS": (), "SRANDMEMBER": (), "SREM": ("m",), "SSCAN": ("0",), "TYPE": (), "UNLINK": (),
    "XACK": ("g", "0-1"), "XADD": ("*", "f", "v"), "XAUTOCLAIM": ("g", "c", "0", "0"), "XCLAIM": ("g", "c", "0", "0-1"),
    "XDEL": ("0-1",), "XLEN": (), "XPENDING": ("g",), "XRANGE": ("-", "+"), "XREVRANGE": ("+", "-"),
    "XTRIM": ("MAXLEN", "0"), "ZADD": ("0", "m"), "ZCARD": (),
    "ZMSCORE": ("m",), "ZPOPMIN": (), "ZRANGE": ("0", "0"), "ZRANGEBYSCORE": ("0", "0"), "ZREM": ("m",),
    "ZREMRANGEBYRANK": ("0", "0"), "ZREMRANGEBYSCORE": ("0", "0"), "ZSCORE": ("m",),
}  # fmt: skip
"""Commands whose first argument is a key → the arguments after it."""

DISPENSABLE = frozenset({"FCALL", "FUNCTION LOAD", "INFO"})
"""Commands that Tidings does without: scripts then go by their texts, and servers know less of the store."""


def needed_commands(keys: StoreKeys, channel_prefix: str = "", *, sharded: bool = False) -> list[tuple[str, ...]]:
    """Return the commands that servers and workers send, each with arguments as it may have.

    Args:
        keys: the names of the namespace.
        channel_prefix: what stands before channels in the database in use.
        sharded: whether the store is a cluster.

    """
    key = keys.root(REGISTRY) + "doctor"
    channel = channel_prefix + keys.kinds_changed
    return [
        *((name, key, *rest) for name, rest in KEYED.items()),
        ("XINFO", "CONSUMERS", key, "g"),
        ("XINFO", "GROUPS", key),
        ("XGROUP", "CREATE", key, "g", "0"),
        ("XGROUP", "DELCONSUMER", key, "g", "c"),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">"),
        ("XREAD", "STREAMS", key, "0"),
        ("SCAN", "0"),
        ("EVAL", "return 1", "1", key),
        ("EVALSHA", "0" * 40, "1", key),
        ("FCALL", "f", "1", key),
        ("FUNCTION", "LOAD", "text"),
        *(
            (("SPUBLISH", channel, "m"), ("SSUBSCRIBE", channel), ("CLUSTER", "SLOTS"), ("ASKING",))
            if sharded
            else (("PUBLISH", channel, "m"), ("SUBSCRIBE", channel))
        ),
        ("PING",),
        ("TIME",),
        ("INFO",),
    ]


def command_name(call: tuple[str, ...]) -> str:
    """Return the name of a command as access rules have it: `XINFO GROUPS` with its subcommand."""
    return " ".join(call[:2]) if call[0] in ("XINFO", "XGROUP", "FUNCTION", "CLUSTER", "CONFIG", "ACL") else call[0]


async def denied_commands(store: Redis, keys: StoreKeys) -> list[str]:
    """Return the commands that this process's user of the store may not use, in the order of their need.

    Raises:
        StoreError: the store is away, or the user may not even run scripts.

    """
    opened = store_of(store)
    needed = needed_commands(keys, opened.channel_prefix, sharded=opened.caller.sharded)
    return named_denials(needed, await _PERMITTED(store, keys.root(REGISTRY), (needed,)))


def named_denials(asked: Sequence[tuple[str, ...]], places: Sequence[int]) -> list[str]:
    """Return the names of the commands that a script found denied at these places, from 1."""
    return [command_name(asked[place - 1]) for place in places]
