"""One's own jobs over HTTP: list them, and have one forgotten that has ended (CONTRACT section 9)."""

import re
from collections import deque

import anyio
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.field_types import TAG_PATTERN
from tidings.protocol.frames.listing_messages import JobList, ListedJob
from tidings.protocol.frames.messages import FIELD_MEANINGS
from tidings.protocol.kinds.kind_record import KIND_PATTERN
from tidings.protocol.problems import ProblemError, problem, problem_error
from tidings.protocol.states import State
from tidings.protocol.timestamps import rfc3339
from tidings.protocol.tokens import Token, parse_token
from tidings.store.answers import ForgetAnswer
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.owned_jobs import BEGINNING, OwnedFilter, OwnedJob, OwnedPage
from tidings_server.auth.identity import Identity
from tidings_server.follow.owner_filter import owner_asked_for
from tidings_server.jobs.client_answers import owner_filter, store_problem, unknown_token
from tidings_server.runtime import ServerRuntime
from tidings_server.web.authorize import AuthorizedHandler
from tidings_server.web.responses import empty_response, json_response, problem_response

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


class OwnedJobEndpoints:
    """The endpoints `GET /v1/jobs` and `DELETE /v1/jobs/{token}?forget=true`."""

    def __init__(self, runtime: ServerRuntime, cancel: AuthorizedHandler) -> None:
        """Prepare.

        Args:
            runtime: the server.
            cancel: answers a DELETE that does not ask to forget.

        """
        self._runtime = runtime
        self._cancel = cancel
        self._readers = anyio.CapacityLimiter(READERS)

    async def page(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/jobs`: the caller's own jobs, the newest first."""
        try:
            identity.require("watch")
            owner, wanted, limit = (
                owner_asked_for(identity, request.query_params.get("owner")),
                _wanted(request),
                _limit(request),
            )
            if not owner and not wanted.tag:
                detail = "jobs that a server without authentication took are listed by their tags alone: give `tag`"
                raise problem_error("invalid_frame", detail, field="/tag")
            cursor = request.query_params.get("cursor")
            after = read_cursor(cursor, owner, wanted) if cursor is not None else BEGINNING
            self._runtime.jobs.require_catalog()
            async with self._readers:
                page = await self._read(owner, wanted, limit, OwnedPage([], after))
            identity.require_valid()
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))
        on = None if page.next is None else write_cursor(page.next, owner, wanted)
        return json_response(JobList(jobs=[_listed(job) for job in page.jobs], next=on))

    async def _read(self, owner: str, wanted: OwnedFilter, limit: int, page: OwnedPage) -> OwnedPage:
        jobs, queues = page.jobs, sorted(self._runtime.hub.partitions)
        for _ in range(MAX_ROUNDS):
            assert page.next is not None
            page = await self._runtime.owned_jobs.page(owner, queues, wanted, limit - len(jobs), page.next)
            jobs = jobs + page.jobs
            if page.next is None or len(jobs) == limit:
                break
        return OwnedPage(jobs, page.next)

    async def delete(self, request: Request, identity: Identity) -> Response:
        """`DELETE /v1/jobs/{token}`: cancels, or with `?forget=true` forgets."""
        match request.query_params.get("forget", "false"):
            case "true":
                return await self._answer_forget(request, identity)
            case "false":
                return await self._cancel(request, identity)
            case _:
                return problem_response(problem("invalid_frame", "`forget` takes true or false", field="/forget"))

    async def _answer_forget(self, request: Request, identity: Identity) -> Response:
        """Answer 204 when what the store kept of the job is gone, 409 while the job lives."""
        try:
            identity.require("cancel")
            await self._forget(self._runtime.jobs.find(request.path_params["token"]), owner_filter(identity))
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))
        return empty_response(204)

    async def _forget(self, token: Token, owner: str) -> None:
        """Forget a job, and with a saga the jobs that did its steps: they hold parts of its input and its result.

        Raises:
            ProblemError: `unknown_token` or `not_finished`.

        """
        reply = await self._runtime.owned_jobs.forget(token, owner)
        if reply.answer is ForgetAnswer.UNKNOWN:
            raise unknown_token(str(token))
        if reply.answer is ForgetAnswer.LIVE:
            raise problem_error("not_finished", "the job lives: cancel it, and have it forgotten when it has ended")
        children = deque(reply.children)
        while children:
            child = parse_token(children.popleft())
            if child is not None and child.partition in self._runtime.hub.partitions:
                children += (await self._runtime.owned_jobs.forget(child, owner)).children


def _wanted(request: Request) -> OwnedFilter:
    tag, kind, state = (request.query_params.get(name) for name in ("tag", "kind", "state"))
    if tag is not None and not _TAG.match(tag):
        raise problem_error("invalid_frame", FIELD_MEANINGS["/tag"], field="/tag")
    if kind is not None and not _KIND.match(kind):
        raise problem_error("invalid_frame", "`kind` takes the name of a kind", field="/kind")
    if state is not None and state not in set(State):
        raise problem_error("invalid_frame", f"`state` takes one of {', '.join(State)}", field="/state")
    return OwnedFilter(tag or "", kind or "", state or "")


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LISTED))
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
