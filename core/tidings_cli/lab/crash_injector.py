"""Kills a worker under some of its attempts; it reads on the worker's link to the store when attempts begin.

A doomed attempt never reports its outcome: the injector kills its worker soon after the start or, if that comes first,
just before the report. In the second case the handler has done its work, and the store does not know it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis
import msgspec

from tidings.store.attempts.attempt_store import LaneStart, Started
from tidings.store.redis.script import Script

MAX_DOOMED_RUN_S = 2.0
"""The worker of a doomed attempt is killed after at most so long, s."""

_START = Script("start", tuple[list[Started], list[LaneStart], list[tuple[str, str, int]], list[str]])
_REPORT = Script("report", tuple[int, list[str]])
_unpack = msgspec.msgpack.decode


class CrashInjector:
    """Chooses attempts, and has their worker killed."""

    def __init__(self, probability: float, seed: int, kill: Callable[[str], None]) -> None:
        """Prepare; calm until `calm` is made false.

        Args:
            probability: of an attempt's worker being killed.
            seed: the same chooses the same of the attempts that begin.
            kill: ends the worker at once; gets the job's id.

        """
        self.calm = True
        self._probability = probability
        self._draw = random.Random(f"{seed} doom")  # noqa: S311 - to be repeated, not to be secret
        self._kill = kill
        self._doomed: dict[str, asyncio.TimerHandle] = {}

    def attempt_started(self, job: str) -> None:
        """Take note that an attempt of a job has begun, and draw whether it is doomed."""
        chosen, moment = self._draw.random() < self._probability, self._draw.uniform(0, MAX_DOOMED_RUN_S)
        if chosen and not self.calm and job not in self._doomed:
            self._doomed[job] = asyncio.get_running_loop().call_later(moment, self._strike, job)

    def kill_before_report(self, jobs: list[str]) -> bool:
        """Kill the worker if it is about to report the outcome of a doomed attempt; return whether it was killed."""
        found = next((job for job in jobs if job in self._doomed), None)
        if found is None:
            return False
        self._strike(found)
        return True

    def new_listener(self) -> "StoreTraffic":
        """Return a listener for a new connection of the worker's."""
        return StoreTraffic(self)

    def close(self) -> None:
        """Spare the attempts that are doomed at the moment."""
        for timer in self._doomed.values():
            timer.cancel()
        self._doomed.clear()

    def _strike(self, job: str) -> None:
        self.close()  # the other doomed attempts end with the same worker
        self._kill(job)

    @property
    def waiting(self) -> bool:
        """Whether any attempt is doomed at the moment."""
        return bool(self._doomed)


class StoreTraffic:
    """Listens to one connection between a worker and the store."""

    def __init__(self, injector: CrashInjector) -> None:
        self._injector = injector
        self._asked = hiredis.Reader()
        self._answered = hiredis.Reader()
        self._calls: deque[list[str] | None] = deque()
        """For each call without an answer, the jobs that it starts; None: it starts none."""
        self._deaf = False
        """Whether it can not follow this connection: one of subscriptions, on which the store sends unasked."""

    def on_request(self, data: bytes) -> bool:
        """Read bytes from the worker; return whether they may pass."""
        passes = True
        for call in self._read(self._asked, data):
            if not isinstance(call, list) or call[0].upper().endswith(b"SUBSCRIBE"):
                self._deaf = True
                return True
            self._calls.append(_started(call))
            if self._injector.waiting and self._injector.kill_before_report(_ended(call)):
                passes = False
        return passes

    def on_response(self, data: bytes) -> None:
        """Read bytes from the store."""
        for answer in self._read(self._answered, data):
            if not self._calls:
                self._deaf = True
                return
            jobs = self._calls.popleft()
            if jobs is not None and isinstance(answer, bytes):
                started, drawn, *_ = _START.decode(answer)
                for job in [
                    *(job for job, one in zip(jobs, started, strict=True) if one.go),
                    *(one.id for one in drawn if one.started.go),
                ]:
                    self._injector.attempt_started(job)

    def _read(self, reader: hiredis.Reader, data: bytes) -> list[Any]:
        found: list[Any] = []
        if self._deaf:
            return found
        try:
            reader.feed(data)
            while (one := reader.gets()) is not False:
                found.append(one)
        except hiredis.ProtocolError:
            self._deaf = True
        return found


def _items(call: list[bytes], script: Script[Any]) -> list[Any] | None:
    """Return the items of a call of a script, its last argument; None: it is no call of that script."""
    names = {script.function.encode(), script.digest.encode(), script.text.encode()}
    if len(call) < 5 or call[0] not in (b"FCALL", b"EVALSHA", b"EVAL") or call[1] not in names:
        return None
    items: list[Any] = _unpack(call[4])[-1]
    return items


def _started(call: list[bytes]) -> list[str] | None:
    items = _items(call, _START)
    return None if items is None else [job for _tier, _entry, job in items]


def _ended(call: list[bytes]) -> list[str]:
    return [item[0] for item in _items(call, _REPORT) or () if item[-1]]
