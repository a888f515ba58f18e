"""The list of an owner's jobs, page by page: what its query means, and what a page holds."""

import re
from collections.abc import Mapping

import anyio
import msgspec

from tidings.protocol.field_types import TAG_PATTERN
from tidings.protocol.frames.listing_messages import JobList, ListedJob
from tidings.protocol.frames.messages import FIELD_MEANINGS
from tidings.protocol.kinds.kind_record import KIND_PATTERN
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.states import State
from tidings.protocol.timestamps import rfc3339
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.owned_jobs import BEGINNING, OwnedFilter, OwnedJob, OwnedPage, OwnedPosition
from tidings_server.auth.identity import Identity
from tidings_server.follow.owner_filter import TagAccess, owner_asked_for, tag_access
from tidings_server.jobs.client_answers import store_problem
from tidings_server.runtime import ServerRuntime

from .list_cursor import read_cursor, write_cursor

PARAMETERS = ("tag", "kind", "state", "owner", "limit", "cursor")
"""The query of `GET /v1/jobs`."""

MAX_LISTED = 100
"""Jobs on one page."""

DEFAULT_LISTED = 50

MAX_ROUNDS = 6
"""How often one request asks each partition before it answers with a short page."""

READERS = 2
"""Lists that one process reads at a time: a list of which a rare job is wanted costs the store milliseconds."""

_TAG, _KIND, _LIMIT = re.compile(TAG_PATTERN), re.compile(KIND_PATTERN), re.compile(r"[0-9]{1,4}")


class ListRequest(msgspec.Struct, frozen=True):
    """What one client asks for."""

    identity: Identity
    access: TagAccess
    """Whose jobs."""
    wanted: OwnedFilter
    limit: int
    after: OwnedPosition

    @property
    def may_wait(self) -> bool:
        """Whether the list can be waited for: the first page of a tag."""
        return bool(self.wanted.tag) and self.after == BEGINNING


class OwnedJobList:
    """Lists the jobs of an owner, the newest first."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._readers = anyio.CapacityLimiter(READERS)

    async def page(self, identity: Identity, query: Mapping[str, str]) -> JobList:
        """Return a page.

        Args:
            identity: who asks.
            query: the parameters, each once.

        Raises:
            ProblemError: one is wrong, the client may not read the list, or the store cannot be reached.

        """
        return await self.read(self.asked(identity, query))

    def asked(self, identity: Identity, query: Mapping[str, str]) -> ListRequest:
        """Return what a query asks for; raises as `page`."""
        wanted, limit, named = _wanted(query), _limit(query), query.get("owner")
        if wanted.tag:
            access = tag_access(identity, wanted.tag, named)
        else:
            identity.require("watch")
            access = TagAccess(owner_asked_for(identity, named))
        if not access.owner and not wanted.tag:
            detail = "jobs that a server without authentication took are listed by their tags alone: give `tag`"
            raise problem_error("invalid_frame", detail, field="/tag")
        cursor = query.get("cursor")
        after = read_cursor(cursor, access.owner, wanted) if cursor is not None else BEGINNING
        return ListRequest(identity, access, wanted, limit, after)

    async def read(self, asked: ListRequest) -> JobList:
        """Return a page as it is now; raises as `page`."""
        self._runtime.jobs.require_catalog()
        try:
            async with self._readers:
                at_ms = await self._runtime.owned_jobs.now_ms()
                page = await self._read(asked.access.owner, asked.wanted, asked.limit, OwnedPage([], asked.after))
        except StoreError as error:
            raise ProblemError(store_problem(error)) from error
        asked.identity.require_valid()
        on = None if page.next is None else write_cursor(page.next, asked.access.owner, asked.wanted)
        return JobList(jobs=[_listed(job) for job in page.jobs], at=rfc3339(at_ms), next=on)

    async def _read(self, owner: str, wanted: OwnedFilter, limit: int, page: OwnedPage) -> OwnedPage:
        jobs, queues = page.jobs, sorted(self._runtime.hub.partitions)
        for _ in range(MAX_ROUNDS):
            assert page.next is not None
            page = await self._runtime.owned_jobs.page(owner, queues, wanted, limit - len(jobs), page.next)
            jobs = jobs + page.jobs
            if page.next is None or len(jobs) == limit:
                break
        return OwnedPage(jobs, page.next)


def _wanted(query: Mapping[str, str]) -> OwnedFilter:
    tag, kind, state = (query.get(name) for name in ("tag", "kind", "state"))
    if tag is not None and not _TAG.match(tag):
        raise problem_error("invalid_frame", FIELD_MEANINGS["/tag"], field="/tag")
    if kind is not None and not _KIND.match(kind):
        raise problem_error("invalid_frame", "`kind` takes the name of a kind", field="/kind")
    if state is not None and state not in set(State):
        raise problem_error("invalid_frame", f"`state` takes one of {', '.join(State)}", field="/state")
    return OwnedFilter(tag or "", kind or "", state or "")


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LISTED))
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_LISTED:
        detail = f"`limit` takes a whole number from 1 to {MAX_LISTED}"
        raise problem_error("invalid_frame", detail, field="/limit", limit=MAX_LISTED)
    return int(text)


def _listed(job: OwnedJob) -> ListedJob:
    row, token = job.row, str(job.token)
    return ListedJob(
        token=token,
        kind=row.kind,
        status=row.state,
        attempt=_number(row.attempt),
        tags=row.tags.split(),
        submitted=rfc3339(_number(row.submitted)),
        finished=rfc3339(_number(row.finished)) if row.finished else None,
        correlation_id=row.correlation_id or token,
    )


def _number(text: str) -> int:
    """Return a number of a record; a store may hold there what no script wrote."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 14 else 0
