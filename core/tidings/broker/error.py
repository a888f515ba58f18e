"""What can go wrong between this process and the store.

::

    StoreError
    ├── StoreUnavailableError   it cannot be reached, or does not answer in time: try again later
    │   └── BrokerClosedError   this process has let go of it: nothing will be answered any more
    ├── StoreFullError          it has no memory left for writes: try again later
    └── ScriptError             it refused what a script did: our mistake
        └── ScriptUnknownError  it does not know the script (any more); send the text
"""

import redis.exceptions


class StoreError(Exception):
    """Base of everything the store can do to us."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached, is loading, or does not answer in time."""


class BrokerClosedError(StoreUnavailableError):
    """This process has let go of the store, because it is leaving; there is no use in another try."""


class StoreFullError(StoreError):
    """The store has reached its `maxmemory` and takes no writes; nothing was half-written."""


class ScriptError(StoreError):
    """A script failed in the store; this is a defect of ours, not of the caller."""


class ScriptUnknownError(ScriptError):
    """The store does not know the script of this digest: it was restarted, or is new."""


def translate(error: Exception) -> StoreError:
    """Return ours for an error of redis-py or of the operating system."""
    text = str(error) or type(error).__name__
    if isinstance(error, redis.exceptions.NoScriptError):
        return ScriptUnknownError(text)
    if isinstance(error, redis.exceptions.ResponseError):
        if isinstance(error, redis.exceptions.OutOfMemoryError) or text.startswith(("OOM", "MISCONF")):
            return StoreFullError(text)
        if isinstance(error, redis.exceptions.ReadOnlyError) or text.startswith(
            ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY ", "TRYAGAIN")
        ):
            return StoreUnavailableError(text)
        return ScriptError(text)
    return StoreUnavailableError(text)
