"""Jobs over HTTP: a search through live and ended jobs, page by page, with bounded work for each page.

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

from tidings.protocol.frames.admin_messages import JobLine, JobPage
from tidings.protocol.problems import problem_error
from tidings.protocol.states import TERMINAL, State
from tidings.protocol.tokens import Token, queue_of
from tidings.store.admin.finished_jobs import FinishedJob
from tidings.store.admin.job_listing import JobFilter, JobListing, JobRow, ListedJobs, job_sources
from tidings.store.admin.queue_stats import queues_of
from tidings.store.reachable_queues import reachable_queues
from tidings_server.admin.admin_requests import check_queue, limit_of, number_of, text_of
from tidings_server.auth.identity import Identity
from tidings_server.observability import job_statistics
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

SCANNED_PER_CALL = 200
"""Jobs that the store looks at in one call, whether they match or not; an empty source counts as one."""

MAX_CALLS = 20
"""Calls of the store for one page of live jobs; the next page looks at the rest."""

AFTER_PATTERN = r"^(?:[0-9]{1,16}(?:-[0-9]{1,16})?)?$(?!\n)"
"""The position in a source at which a page continues: an entry of a stream, or a count of the schedule."""

MAX_MINUTES = 1_440
"""The longest series: a day."""


class SearchFilter(NamedTuple):
    """The conditions of a search; an empty one matches all."""

    wanted: JobFilter
    queue: str

    def admits(self, line: JobLine) -> bool:
        """Return whether a job matches."""
        state, kind, correlation_id, since, until, owner, tag = self.wanted
        return (
            state in ("", line.state)
            and kind in ("", line.kind)
            and self.queue in ("", line.queue, queue_of(line.queue))
            and (not correlation_id or correlation_id == line.correlation_id)
            and owner in ("", line.owner)
            and (not tag or tag in line.tags)
            and since <= line.submitted
            and (not until or line.submitted <= until)
        )

    @property
    def live(self) -> bool:
        """Whether live jobs can match."""
        return not self.wanted.state or self.wanted.state not in TERMINAL

    @property
    def ended(self) -> bool:
        """Whether ended jobs can match."""
        return not self.wanted.state or self.wanted.state in TERMINAL


class SearchCursor(msgspec.Struct, array_like=True, frozen=True):
    """The position at which a search continues."""

    source: Annotated[int, msgspec.Meta(ge=-1)] = 0
    """The number of the source; -1: the ended jobs."""
    after: Annotated[str, msgspec.Meta(pattern=AFTER_PATTERN)] = ""
    """The position in the source: a count of the schedule, or the id of an entry of a stream."""
    finished: int = 0
    """Among the ended jobs: the end of the last one shown, ms since the epoch; 0: none was shown."""
    queue: str = ""
    number: int = 0

    @classmethod
    def read(cls, text: str) -> "SearchCursor":
        """Return the cursor that the previous page gave.

        Raises:
            ProblemError: `invalid_frame`.

        """
        try:
            return msgspec.json.decode(text, type=cls) if text else cls()
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise problem_error(
                "invalid_frame", "`cursor` takes the cursor of the page before", field="/cursor"
            ) from error

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    def before(self, job: FinishedJob) -> bool:
        """Return whether an ended job comes after the last one shown."""
        return not self.finished or (job.finished, job.queue, job.number) < (self.finished, self.queue, self.number)


class JobSearch:
    """The endpoints `GET /v1/admin/jobs` and `GET /v1/admin/series`."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._listing = JobListing(runtime.client, runtime.keys)

    async def series(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/series`: the jobs that ended in the last minutes, interval by interval."""
        minutes = number_of(request, "minutes", 60, 1, MAX_MINUTES)
        kind = text_of(request, "kind")
        finished_jobs = self._runtime.finished_jobs
        queues = sorted(self._runtime.kinds.queues)
        await finished_jobs.catch_up(queues)
        now = int(time.time() * 1000)
        begin = now - minutes * 60_000
        jobs = (
            job for job in finished_jobs.since(begin - job_statistics.step_of(minutes) * 1000) if kind in ("", job.kind)
        )
        told = job_statistics.series(jobs, now, minutes)
        back = max((at for at in map(finished_jobs.reaches_back, queues) if at is not None), default=0)
        return json_response(msgspec.structs.replace(told, reaches_back=back if back > begin else None))

    async def jobs(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/jobs`: the live jobs, then the ended ones, newest end first."""
        limit, cursor = limit_of(request), SearchCursor.read(text_of(request, "cursor"))
        question = _question(request)
        token = text_of(request, "token")
        if token:
            return json_response(JobPage(jobs=await self._one(token, question), cursor=None))
        kinds = self._runtime.kinds
        queues = await reachable_queues(
            self._runtime.client,
            self._runtime.keys,
            kinds.partitions_of(question.queue) if question.queue else kinds.queues,
        )
        found: list[JobLine] = []
        on: SearchCursor | None = cursor
        if cursor.source >= 0:
            on = SearchCursor(source=-1)
            if question.live:
                on = await self._live(question, limit, cursor, found, frozenset(queues.missing_queues))
        if on is not None and on.source < 0:
            on = await self._ended(question, limit, on, found) if question.ended else None
        if on is None:
            return json_response(JobPage(jobs=found, cursor=None, incomplete=False, **queues.told))
        return json_response(JobPage(jobs=found, cursor=str(on), incomplete=len(found) < limit, **queues.told))

    async def _one(self, text: str, question: SearchFilter) -> list[JobLine]:
        token = self._runtime.jobs.find(text)
        lines = [live_line(token.partition, row) for row in await self._listing.some(token.partition, [token.id])]
        return [line for line in lines if question.admits(line)]

    async def _live(
        self, question: SearchFilter, limit: int, cursor: SearchCursor, lines: list[JobLine], silent: frozenset[str]
    ) -> SearchCursor:
        """Add live jobs; return where the search continues.

        Cursors count the places of all queues, those of `silent` ones among them: it passes these over, and a page that
        follows when their nodes are back goes on where it would have.
        """
        places = list(job_sources(self._tiers(question.queue), question.wanted.state))
        found = ListedJobs([], cursor.source, cursor.after)
        for _ in range(MAX_CALLS):
            while found.at < len(places) and places[found.at].queue in silent:
                found = ListedJobs([], found.at + 1, "")
            if found.at >= len(places) or len(lines) == limit:
                break
            queue = places[found.at].queue
            found = await self._listing.page(places, found, question.wanted, limit - len(lines), SCANNED_PER_CALL)
            lines += (live_line(queue, row) for row in found.rows)
        return SearchCursor(source=found.at, after=found.after) if found.at < len(places) else SearchCursor(source=-1)

    async def _ended(
        self, question: SearchFilter, limit: int, cursor: SearchCursor, found: list[JobLine]
    ) -> SearchCursor | None:
        """Add ended jobs; return where the search continues; None: there are no more."""
        kinds = self._runtime.kinds
        queues = kinds.partitions_of(question.queue) if question.queue else sorted(kinds.queues)
        finished_jobs = self._runtime.finished_jobs
        await finished_jobs.catch_up(self._runtime.kinds.queues)
        ended: Iterator[FinishedJob] = heapq.merge(
            *(finished_jobs.newest_first(queue, cursor.number if queue == cursor.queue else None) for queue in queues),
            key=lambda job: (job.finished, job.queue, job.number),
            reverse=True,
        )
        meant = (job for job in ended if cursor.before(job) and question.admits(ended_line(job)))
        shown = list(islice(meant, limit - len(found) + 1))
        more = len(shown) > limit - len(found)
        found += map(ended_line, shown[: limit - len(found)])
        if not more:
            return None
        if len(shown) == 1:  # the page had no room for an ended job
            return cursor
        last = shown[-2]
        return SearchCursor(source=-1, finished=last.finished, queue=last.queue, number=last.number)

    def _tiers(self, queue: str) -> dict[str, list[str]]:
        kinds = self._runtime.kinds
        tiers = queues_of(kinds.records.values(), kinds.placements.spread())
        return {name: sorted(found) for name, found in tiers.items() if queue in ("", name, queue_of(name))}


def live_line(queue: str, row: JobRow) -> JobLine:
    """Return a live job as a list shows it."""
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
        owner=row.owner,
        tags=row.tags.split(),
    )


def ended_line(job: FinishedJob) -> JobLine:
    """Return an ended job as a list shows it."""
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
        owner=job.owner,
        tags=job.tags.split(),
    )


def _question(request: Request) -> SearchFilter:
    state, queue = text_of(request, "state"), text_of(request, "queue")
    if state and state not in set(State):
        raise problem_error("invalid_frame", f"`state` takes one of {', '.join(State)}", field="/state")
    wanted = JobFilter(
        state=state,
        kind=text_of(request, "kind"),
        correlation_id=text_of(request, "correlation_id"),
        since=_moment(request, "since"),
        until=_moment(request, "until"),
        owner=text_of(request, "owner"),
        tag=text_of(request, "tag"),
    )
    return SearchFilter(wanted, check_queue(queue) if queue else "")


def _moment(request: Request, name: str) -> int:
    """Return a moment in the query, ms since the epoch; 0: the request does not give it."""
    text = text_of(request, name)
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise problem_error("invalid_frame", f"`{name}` takes a moment with its offset (RFC 3339)", field=f"/{name}")
    return int(moment.timestamp() * 1000)
