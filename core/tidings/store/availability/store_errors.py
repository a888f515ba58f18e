"""What can go wrong between this process and the store.

::

    StoreError
    ├── StoreUnavailableError   it cannot be reached, does not answer in time, or takes nothing now: try again later
    │   ├── StoreClosedError    this process has let go of it: nothing will be answered any more
    │   ├── StoreUnsentError    the command has not left this process: it may be sent to another store
    │   ├── StoreDemotedError   who answers is no primary any more: another connection may find the one that is
    │   └── StoreUnconfirmedError   it has written it, and too few replicas have said in time that they have it too
    ├── StoreFullError          it has no memory left for writes: try again later
    └── ScriptError             it refused, for a reason of which this process does not know whether it will pass
        ├── ItemError           what it holds of one item of a batch cannot be used; the others were answered
        ├── ScriptUnknownError  it does not know the script (any more); send the text
        └── CommandDeniedError  it has no such command, or this user may not use it
            └── AccessDeniedError   this user may not use a command within a script, a key or a channel
"""

import redis.exceptions


class StoreError(Exception):
    """Base of everything the store can do to us."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached, does not answer in time, or says that it takes nothing now.

    It says so while it loads, while it is a replica, while too few replicas of it are in contact
    (`min-replicas-to-write`), while a script keeps it busy, and the like.
    """


class StoreClosedError(StoreUnavailableError):
    """This process has let go of the store, because it is leaving; there is no use in another try."""


class StoreUnsentError(StoreUnavailableError):
    """The connection was given up before it stood, and with it the command, which has reached no store."""


class StoreDemotedError(StoreUnavailableError):
    """The connection leads to what is no primary, or no more: it would be refused for ever."""


class StoreUnconfirmedError(StoreUnavailableError):
    """The store has done it, and too few replicas confirmed in time that they have it: a failover may undo it.

    The same call again is safe where it has an idempotency key, or is a report of an attempt: it
    finds what was done, and waits for the replicas once more.
    """


class StoreFullError(StoreError):
    """The store has reached its `maxmemory` and takes no writes; nothing was half-written."""


class ScriptError(StoreError):
    """The store refused a command or a script.

    That may be a defect of ours, or of the store's settings, and may pass (an access rule that an operator has just
    changed): a refusal that this process does not know says nothing about the job that it was asked about.
    """


class ItemError(ScriptError):
    """What the store holds of one item of a batch cannot be used, or one item could not be sent; the others went on."""


class ScriptUnknownError(ScriptError):
    """The store does not know the script of this digest or name: it was restarted, or is new."""


class CommandDeniedError(ScriptError):
    """The store has no such command, or the user by whom this process is known there may not use it."""


class AccessDeniedError(CommandDeniedError):
    """This user may call the script, and not use what it uses."""


_CODES: dict[str, type[StoreError]] = {
    "NOSCRIPT": ScriptUnknownError,
    "NOPERM": CommandDeniedError,
    "OOM": StoreFullError,
    "MISCONF": StoreFullError,
    **dict.fromkeys(("READONLY", "UNBLOCKED"), StoreDemotedError),
    **dict.fromkeys(
        (
            "LOADING",
            "MASTERDOWN",
            "CLUSTERDOWN",
            "BUSY",
            "TRYAGAIN",
            "NOAUTH",
            "WRONGPASS",
            "NOREPLICAS",
            "NOMASTERLINK",
            "MOVED",
            "ASK",
            "REDIRECT",
            "FAILOVER",
            "IOERR",
        ),
        StoreUnavailableError,
    ),
}
"""What the first word of a refusal says."""

_PHRASES: dict[str, type[StoreError]] = {
    "ERR max number of clients": StoreUnavailableError,
    "ERR Function not found": ScriptUnknownError,
    "ERR unknown command": CommandDeniedError,
}
"""What refusals say that have no word of their own."""


_IN_SCRIPT = "ACL failure in script"
"""What a script's error says where the user lacks a permission for a command or a key in it."""


def refusal(text: str) -> StoreError:
    """Return the error for what the store said instead of an answer, the code its first word."""
    if _IN_SCRIPT in text:
        return AccessDeniedError(text)
    for start, error in _PHRASES.items():
        if text.startswith(start):
            return error(text)
    return _CODES.get(text.partition(" ")[0], ScriptError)(text)


def translate(error: BaseException) -> StoreError:
    """Return ours for an error of redis-py or of the operating system."""
    text = str(error) or type(error).__name__
    if isinstance(error, redis.exceptions.ResponseError):
        # redis-py takes the code away where it has a class for it.
        for known, code in _CLASSES.items():
            if isinstance(error, known):
                return _CODES[code](text)
        return refusal(text)
    return StoreUnavailableError(text)


_CLASSES = {
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
}
