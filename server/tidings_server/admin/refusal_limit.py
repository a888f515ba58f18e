"""The limit of refusals in the audit log, for each caller and for all callers together."""

import time
from collections import OrderedDict
from collections.abc import Callable

from tidings.store.admin.audit_log import AuditEntry, AuditStream
from tidings.token_bucket import TokenBucket

CALLER_LIMIT = (0.1, 20.0)
"""Refusals of one caller that the server records: a second on average, and at once."""

TOTAL_LIMIT = (2.0, 200.0)
"""The same for all callers of this process together; callers with the scope `admin` and without it count apart."""

MAX_CALLERS = 1_000
"""Callers that are counted apart; at one more, the caller refused longest ago is forgotten."""


class RefusalLimit:
    """Admits some refusals, and counts the others."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._callers: OrderedDict[tuple[AuditStream, str], _Caller] = OrderedDict()
        self._all: dict[AuditStream, TokenBucket] = {}

    def admit(self, entry: AuditEntry) -> int | None:
        """Return how many refusals of the caller were left out since the last recorded one; None: leave this out."""
        now = self._now()
        caller = self._caller((entry.stream, entry.who or entry.address), now)
        every = self._all.setdefault(entry.stream, TokenBucket(*TOTAL_LIMIT, now))
        if caller.bucket.take(now) or every.take(now):
            caller.unrecorded += 1
            return None
        unrecorded, caller.unrecorded = caller.unrecorded, 0
        return unrecorded

    def _caller(self, key: tuple[AuditStream, str], now: float) -> "_Caller":
        caller = self._callers.pop(key, None) or _Caller(now)
        self._callers[key] = caller
        if len(self._callers) > MAX_CALLERS:
            self._callers.popitem(last=False)
        return caller


class _Caller:
    __slots__ = ("bucket", "unrecorded")

    def __init__(self, now: float) -> None:
        self.bucket = TokenBucket(*CALLER_LIMIT, now)
        self.unrecorded = 0
