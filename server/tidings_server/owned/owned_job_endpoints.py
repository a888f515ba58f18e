"""One's own jobs over HTTP: list them, and have one forgotten that has ended."""

from collections import deque

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.problems import ProblemError, problem, problem_error
from tidings.protocol.tokens import Token, parse_token
from tidings.store.answers import ForgetAnswer
from tidings.store.availability.store_errors import StoreError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import owner_filter, store_problem, unknown_token
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.web.authorize import AuthorizedHandler
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.preferences import preferences_of
from tidings_server.web.responses import empty_response, json_response, problem_response

from .list_news import ListClient, changed_page, etag_of
from .owned_job_list import OwnedJobList


class OwnedJobEndpoints:
    """The endpoints `GET /v1/jobs` and `DELETE /v1/jobs/{token}?forget=true`."""

    def __init__(self, runtime: ServerRuntime, jobs: OwnedJobList, cancel: AuthorizedHandler) -> None:
        """Prepare.

        Args:
            runtime: the server.
            jobs: lists them.
            cancel: answers a DELETE that does not ask to forget.

        """
        self._runtime = runtime
        self._list = jobs
        self._cancel = cancel

    async def page(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/jobs`: the caller's own jobs, the newest first; or those of the tag for which it has a grant.

        The first page of a tag long-polls with `Prefer: wait=N` and `If-None-Match`.
        """
        try:
            asked = self._list.asked(identity, request.query_params)
            preferences = preferences_of(request.headers.getlist("prefer"), self._runtime.settings.max_wait_s)
            seen = request.headers.get("if-none-match")
            waits = seen is not None and asked.may_wait
            if preferences.wait and seen is not None and waits:
                caller = caller_of(request.scope, identity)
                client = ListClient(caller, quota_key_of(identity, caller), address_of(request.scope))
                page = await changed_page(self._runtime, self._list, asked, seen, preferences.wait, client)
            else:
                page = await self._list.read(asked)
        except ProblemError as error:
            return problem_response(error.problem)
        headers = {"etag": etag_of(page), **preferences.applied(waited=waits)}
        return empty_response(304, headers) if seen == headers["etag"] else json_response(page, headers=headers)

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
