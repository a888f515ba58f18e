"""Jobs over HTTP: those that live and those that have ended, searched page by page with bounded work for each.

Every endpoint here raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

import heapq
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.broker.chronicle import EndedJob
from tidings.broker.listing import Listing, Row, sources
from tidings.contract.admin import JobLine, JobPage
from tidings.contract.problem import refuse
from tidings.contract.state import TERMINAL, State
from tidings.contract.token import Token
from tidings_server.auth.identity import Identity
from tidings_server.gateway import Gateway
from tidings_server.reply import json_response

from . import statistics
from .request import check_queue, limit_of, number_of, text_of

LOOKED_AT = 200
"""Jobs in one call of the store."""

MAX_CALLS = 20
"""Calls of the store for one page of those that live; what was not looked at by then is for the next page."""

AFTER_PATTERN = r"^(?:[0-9]{1,16}(?:-[0-9]{1,16})?)?$(?!\n)"
"""Where a page may go on in a place: behind an entry of a stream, or so many."""

MAX_MINUTES = 1_440
"""The longest series: a day."""


class Wanted(NamedTuple):
    """What is searched for; what is empty does not matter."""

    state: str
    kind: str
    queue: str
    correlation_id: str
    since: int
    """ms since the epoch, of the submission."""
    until: int

    def admits(self, line: JobLine) -> bool:
        """Return whether a job is meant."""
        return (
            self.state in ("", line.state)
            and self.kind in ("", line.kind)
            and self.queue in ("", line.queue)
            and (not self.correlation_id or self.correlation_id == line.correlation_id)
            and self.since <= line.submitted
            and (not self.until or line.submitted <= self.until)
        )

    @property
    def live(self) -> bool:
        """Whether jobs that live can be meant."""
        return not self.state or self.state not in TERMINAL

    @property
    def ended(self) -> bool:
        """Whether jobs that have ended can be meant."""
        return not self.state or self.state in TERMINAL


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """Where a search goes on."""

    source: int = 0
    """Number of the place; -1: those that have ended."""
    after: Annotated[str, msgspec.Meta(pattern=AFTER_PATTERN)] = ""
    """In a place: what the page before gave."""
    finished: int = 0
    """Of those that have ended: when the last that was shown did, ms since the epoch; 0: none was."""
    queue: str = ""
    number: int = 0

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return what a page before gave.

        Raises:
            ProblemError: `invalid_frame`.

        """
        try:
            return msgspec.json.decode(text, type=cls) if text else cls()
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise refuse("invalid_frame", "`cursor` takes the cursor of the page before", field="/cursor") from error

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    def before(self, job: EndedJob) -> bool:
        """Return whether a job that has ended comes after what was shown."""
        return not self.finished or (job.finished, job.queue, job.number) < (self.finished, self.queue, self.number)


class Search:
    """The endpoints `GET /v1/admin/jobs` and `GET /v1/admin/series`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._listing = Listing(gateway.client, gateway.keys)

    async def series(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/series`: what ended in the last minutes, step by step."""
        minutes = number_of(request, "minutes", 60, 1, MAX_MINUTES)
        kind = text_of(request, "kind")
        chronicle = self._gateway.chronicle
        queues = sorted(self._gateway.kinds.queues)
        await chronicle.catch_up(queues)
        now = int(time.time() * 1000)
        begin = now - minutes * 60_000
        jobs = (job for job in chronicle.since(begin - statistics.step_of(minutes) * 1000) if kind in ("", job.kind))
        told = statistics.series(jobs, now, minutes)
        back = max((at for at in map(chronicle.reaches_back, queues) if at is not None), default=0)
        return json_response(msgspec.structs.replace(told, reaches_back=back if back > begin else None))

    async def jobs(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/jobs`: those that live, then those that have ended, the last first."""
        limit, cursor = limit_of(request), Cursor.read(text_of(request, "cursor"))
        wanted = _wanted(request)
        token = text_of(request, "token")
        if token:
            return json_response(JobPage(jobs=await self._one(token, wanted), cursor=None))
        found: list[JobLine] = []
        on: Cursor | None = cursor
        if cursor.source >= 0:
            on = await self._live(wanted, limit, cursor, found) if wanted.live else Cursor(source=-1)
        if on is not None and on.source < 0:
            on = await self._ended(wanted, limit, on, found) if wanted.ended else None
        return json_response(JobPage(jobs=found, cursor=None if on is None else str(on)))

    async def _one(self, text: str, wanted: Wanted) -> list[JobLine]:
        token = self._gateway.find(text)
        lines = [live_line(token.partition, row) for row in await self._listing.some(token.partition, [token.id])]
        return [line for line in lines if wanted.admits(line)]

    async def _live(self, wanted: Wanted, limit: int, cursor: Cursor, found: list[JobLine]) -> Cursor:
        """Add jobs that live; return where to go on."""
        places = list(sources(self._tiers(wanted.queue)))
        number, after = cursor.source, cursor.after
        for _ in range(MAX_CALLS):
            if number >= len(places):
                return Cursor(source=-1)
            place = places[number]
            # Not more than there is room for: what is looked at is shown, and the place in the stream is the cursor.
            rows, after = await self._listing.page(place, after, min(LOOKED_AT, limit - len(found)))
            lines = (live_line(place.queue, row) for row in rows)
            found += (line for line in lines if line.finished is None and wanted.admits(line))
            if not after:
                number += 1
            if len(found) == limit:
                break
        return Cursor(source=number, after=after) if number < len(places) else Cursor(source=-1)

    async def _ended(self, wanted: Wanted, limit: int, cursor: Cursor, found: list[JobLine]) -> Cursor | None:
        """Add jobs that have ended; return where to go on, None: that was all."""
        queues = [wanted.queue] if wanted.queue else sorted(self._gateway.kinds.queues)
        chronicle = self._gateway.chronicle
        await chronicle.catch_up(self._gateway.kinds.queues)
        ended: Iterator[EndedJob] = heapq.merge(
            *(chronicle.newest_first(queue, cursor.number if queue == cursor.queue else None) for queue in queues),
            key=lambda job: (job.finished, job.queue, job.number),
            reverse=True,
        )
        meant = (job for job in ended if cursor.before(job) and wanted.admits(ended_line(job)))
        shown = list(islice(meant, limit - len(found) + 1))
        more = len(shown) > limit - len(found)
        found += map(ended_line, shown[: limit - len(found)])
        if not more:
            return None
        if len(shown) == 1:  # there was no room for any
            return cursor
        last = shown[-2]
        return Cursor(source=-1, finished=last.finished, queue=last.queue, number=last.number)

    def _tiers(self, queue: str) -> dict[str, list[str]]:
        tiers: dict[str, set[str]] = {}
        for kind in self._gateway.kinds.records.values():
            if queue in ("", kind.queue):
                tiers.setdefault(kind.queue, set()).update(kind.tiers)
        return {name: sorted(found) for name, found in tiers.items()}


def live_line(queue: str, row: Row) -> JobLine:
    """Return a job of the store as a list shows it."""
    submitted = int(row.submitted or 0)
    return JobLine(
        token=str(Token(queue, row.id)),
        kind=row.kind,
        state=row.state,
        queue=queue,
        tier=row.tier,
        attempt=int(row.attempt or 0),
        submitted=submitted,
        finished=int(row.finished) if row.finished and row.state in TERMINAL else None,
        total=(int(row.finished) - submitted) / 1000 if row.finished and row.state in TERMINAL else None,
        correlation_id=row.correlation_id or None,
        worker=row.worker or None,
    )


def ended_line(job: EndedJob) -> JobLine:
    """Return a job of the chronicle as a list shows it."""
    return JobLine(
        token=job.token,
        kind=job.kind,
        state=job.state,
        queue=job.queue,
        tier=job.tier,
        attempt=int(job.attempt),
        submitted=int(job.submitted),
        finished=job.finished,
        total=job.total,
        correlation_id=job.correlation_id or None,
        worker=job.worker or None,
    )


def _wanted(request: Request) -> Wanted:
    state, queue = text_of(request, "state"), text_of(request, "queue")
    if state and state not in set(State):
        raise refuse("invalid_frame", f"`state` takes one of {', '.join(State)}", field="/state")
    return Wanted(
        state=state,
        kind=text_of(request, "kind"),
        queue=check_queue(queue) if queue else "",
        correlation_id=text_of(request, "correlation_id"),
        since=_moment(request, "since"),
        until=_moment(request, "until"),
    )


def _moment(request: Request, name: str) -> int:
    """Return a time in the query, ms since the epoch; 0: it is not given."""
    text = text_of(request, name)
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise refuse("invalid_frame", f"`{name}` takes a moment with its offset (RFC 3339)", field=f"/{name}")
    return int(moment.timestamp() * 1000)
