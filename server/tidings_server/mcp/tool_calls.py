"""Calls of tools: a call submits a job, and waits for it or goes on as a task."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio
import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolRequestParams

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.problems import ProblemError, problem, problem_error
from tidings.protocol.tokens import Token, parse_token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.http.request_submission import submit_request
from tidings_server.http.requests import with_headers
from tidings_server.jobs.client_answers import RECORD_GONE
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.snapshots import is_final
from tidings_server.web.send.connection_age import connection_lifetime

from .call_listener import CallListener
from .listed_tools import ListedTool
from .mcp_client import McpClient
from .protocol_errors import TASKS, mcp_error
from .task_methods import TaskMethods
from .task_view import call_result, created_task, error_result, progress_fraction, progress_message
from .tool_catalog import ToolCatalog

CANCEL_WITHIN_S = 5.0
"""How long the server tries to cancel the job of a client that has gone."""

_HEADERS = ("idempotency-key", "traceparent", "tracestate")

_encode = msgspec.json.Encoder().encode


class ToolCalls:
    """Answers `tools/call`."""

    def __init__(self, runtime: ServerRuntime, tools: ToolCatalog, tasks: TaskMethods) -> None:
        self._runtime = runtime
        self._tools = tools
        self._tasks = tasks

    async def call(self, client: McpClient, params: CallToolRequestParams) -> dict[str, Any]:
        """`tools/call`: the result; or a task, for a client that knows tasks, of a job that takes longer.

        What does not fit the tool's schema is the result of a call that failed, so that a model may correct itself.

        Raises:
            MCPError: there is no such tool for this client.
            ProblemError: the job is not accepted, or the wait for it has ended before the job.

        """
        client.identity.require("submit")
        tool = self._tools.now.get(params.name, client.identity)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name[:100]}")
        submission = Submission(kind=params.name, input=msgspec.Raw(_encode(params.arguments or {})))
        submission = with_headers(submission, _told(client))
        try:
            with self._waiting(client):
                ack, listener = await submit_request(
                    self._runtime, submission, client.identity, client.known.caller, CallListener
                )
                assert listener is not None
                return await self._follow(client, tool, ack, listener)
        except ProblemError as error:
            if error.problem.code != "invalid_input":
                raise
            return error_result(_of_arguments(error))

    async def _follow(self, client: McpClient, tool: ListedTool, ack: Ack, listener: CallListener) -> dict[str, Any]:
        """Return what comes of an accepted call."""
        try:
            if ack.duplicate:
                listener = await self._join(client, ack)
            else:
                listener.release(ack.seq)
            if client.declares(TASKS):
                return await self._task_or_result(client, tool, listener)
            return await self._result(client, tool, listener, ends_job=client.modern and not ack.duplicate)
        finally:
            self._runtime.hub.leave(listener)

    async def _join(self, client: McpClient, ack: Ack) -> CallListener:
        """Return a listener of the job that an earlier call with the same idempotency key has begun."""
        token = parse_token(ack.token)
        if token is None or ack.status == RECORD_GONE:
            raise problem_error("unknown_token", "the job of this idempotency key has ended, and its result has gone")
        listener = CallListener(token)
        record = await self._runtime.jobs.watch(listener, valid(client.identity), 0)
        listener.ended = is_final(record)
        listener.release(record.seq)
        return listener

    async def _task_or_result(self, client: McpClient, tool: ListedTool, listener: CallListener) -> dict[str, Any]:
        settings = self._runtime.settings
        with anyio.move_on_after(settings.mcp_task_after_s):
            while not listener.ended and not listener.stepped:
                await _changed(listener)
        record = await self._tasks.read(client, listener.token)
        if is_final(record):
            return call_result(record, tool.shape)
        return created_task(str(listener.token), record, settings.mcp_poll_s)

    async def _result(
        self, client: McpClient, tool: ListedTool, listener: CallListener, *, ends_job: bool
    ) -> dict[str, Any]:
        """Return the result of a job, which the client waits for; tell it of progress meanwhile.

        Args:
            client: who waits.
            tool: what it has called.
            listener: of the job.
            ends_job: whether the job is cancelled where the client leaves, by which clients of versions since
                2026-07-28 say that they no longer want it.

        """
        try:
            await self._until_ended(client, listener)
        except asyncio.CancelledError:
            if ends_job and not self._runtime.drain.begun:
                await self._cancel(client, listener.token)
            raise
        return call_result(await self._ended_record(client, listener.token), tool.shape)

    async def _until_ended(self, client: McpClient, listener: CallListener) -> None:
        """Return when the job has ended.

        Raises:
            MCPError: the server drains, the credential has ended, or the connection has lived as long as it may.

        """
        drain = self._runtime.drain
        drain.on_begin.add(listener.changed.set)
        lifetime = min(connection_lifetime(self._runtime.settings.max_connection_age_s), client.identity.left())
        try:
            with anyio.move_on_after(lifetime):
                while not listener.ended and not drain.begun:
                    if listener.progress:
                        await _tell(client, listener)
                    else:
                        await _changed(listener)
        finally:
            drain.on_begin.discard(listener.changed.set)
        if not listener.ended:
            detail = "the wait has ended before the job, which goes on: follow it by its token"
            raise mcp_error(problem("draining", detail, retry_after=1), str(listener.token))

    async def _ended_record(self, client: McpClient, token: Token) -> JobRecord:
        record = await self._tasks.read(client, token)
        if not is_final(record):
            raise problem_error("internal_error", "the job has begun again: an operator has replayed it")
        return record

    async def _cancel(self, client: McpClient, token: Token) -> None:
        """Cancel the job of a client that has left, as far as the client itself could."""
        with anyio.move_on_after(CANCEL_WITHIN_S, shield=True):
            try:
                await self._runtime.cancels.cancel(token, client.identity, client.known.address)
            except ProblemError:
                return  # it has ended meanwhile, is not the client's to cancel, or the store is away: it goes on

    @contextmanager
    def _waiting(self, client: McpClient) -> Iterator[None]:
        """Count a call as a connection that watches a job.

        Raises:
            ProblemError: the client has as many as may be.

        """
        caller = quota_key_of(client.identity, client.known.caller)
        with self._runtime.quotas.watching(caller, client.known.address, time.monotonic()):
            yield


async def _changed(listener: CallListener) -> None:
    await listener.changed.wait()
    listener.changed.clear()


async def _tell(client: McpClient, listener: CallListener) -> None:
    """Pass the newest progress on to a client that has asked for it."""
    text, listener.progress = listener.progress, ""
    fraction = progress_fraction(text)
    if fraction is not None:
        await client.session.report_progress(fraction, 1.0, progress_message(text))


def _told(client: McpClient) -> Mapping[str, str]:
    """Return the headers that a submission heeds; a request may hold the trace that it belongs to in `_meta` too."""
    found = {name: client.headers[name] for name in _HEADERS if name in client.headers}
    return found | {name: text for name in _HEADERS[1:] if isinstance(text := client.meta.get(name), str)}


def _of_arguments(error: ProblemError) -> Any:
    """Return the problem of an input with the pointers of a tool's arguments."""
    found = error.problem
    errors = found.errors and [{**one, "field": _pointer(one.get("field"))} for one in found.errors]
    return msgspec.structs.replace(found, field=_pointer(found.field), errors=errors)


def _pointer(field: Any) -> str | None:
    return None if field is None else str(field).removeprefix("/input") or "/"
