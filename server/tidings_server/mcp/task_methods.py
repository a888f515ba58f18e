"""Tasks: reading, answering and cancelling jobs as the extension of tasks has it."""

from typing import Any

from mcp_types import RequestParams
from pydantic import Field

from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.jobs.client_answers import unknown_token
from tidings_server.jobs.job_service import valid
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.snapshots import is_final

from .mcp_client import McpClient
from .open_questions import open_questions
from .protocol_errors import require_named, require_tasks
from .task_view import task
from .tool_catalog import ToolCatalog

MAX_RESPONSES = 100
"""Answers in one `tasks/update`."""


class TaskParameters(RequestParams):
    """The parameters of `tasks/get` and `tasks/cancel`."""

    task_id: str = Field(alias="taskId", max_length=1_000)


class UpdateParameters(TaskParameters):
    """The parameters of `tasks/update`."""

    input_responses: dict[str, dict[str, Any]] = Field(alias="inputResponses", max_length=MAX_RESPONSES)


class TaskMethods:
    """The methods of the extension."""

    def __init__(self, runtime: ServerRuntime, tools: ToolCatalog) -> None:
        self._runtime = runtime
        self._tools = tools

    async def get(self, client: McpClient, params: TaskParameters) -> dict[str, Any]:
        """`tasks/get`: the task as it is now."""
        token = self._token(client, "tasks/get", params)
        client.identity.require_act("watch")
        record = await self.read(client, token)
        return {"resultType": "complete", **self.view(token, record)}

    async def update(self, client: McpClient, params: UpdateParameters) -> dict[str, Any]:
        """`tasks/update`: gives the job the signals that answers to its questions are.

        Answers to questions that are not outstanding are ignored; the first that is none to its own refuses all.
        """
        token = self._token(client, "tasks/update", params)
        client.identity.require_act("signal")
        record = await self.read(client, token)
        if is_final(record):
            raise problem_error("already_finished", f"the task has ended ({record.state}): nothing waits for an answer")
        await self.answer(client, token, record, params.input_responses)
        return {"resultType": "complete"}

    async def cancel(self, client: McpClient, params: TaskParameters) -> dict[str, Any]:
        """`tasks/cancel`: asks that the job stop. Of one that has ended it asks nothing."""
        token = self._token(client, "tasks/cancel", params)
        client.identity.require_act("cancel")
        try:
            await self._runtime.cancels.cancel(token, client.identity, client.known.address)
        except ProblemError as error:
            if error.problem.code != "already_finished":
                raise
        return {"resultType": "complete"}

    async def answer(
        self, client: McpClient, token: Token, record: JobRecord, responses: dict[str, dict[str, Any]]
    ) -> None:
        """Give a job the answers to its outstanding questions.

        Raises:
            ProblemError: one is no answer to its question, and none is given; or the job does not take a signal.

        """
        questions = open_questions(record)
        values = {
            key: (questions[key].signal, questions[key].value(key, response))
            for key, response in responses.items()
            if key in questions
        }
        for key, (signal, value) in values.items():
            # By the key a job gets the first answer to a question alone, of whatever client it is.
            await self._runtime.jobs.signal(token, client.identity, signal, f"mcp:{key}", value)

    async def read(self, client: McpClient, token: Token) -> JobRecord:
        """Return a job's record; what a large one takes of this process's memory counts until the answer has left.

        Raises:
            ProblemError: the client may not see it, or the store cannot be reached.

        """
        reservation = self._runtime.jobs.reservation(client.known.caller)
        client.known.leave.callback(reservation.release)
        return await self._runtime.jobs.read(token, valid(client.identity), room=reservation)

    def view(self, token: Token, record: JobRecord) -> dict[str, Any]:
        """Return a job as a task."""
        settings = self._runtime.settings
        shape = self._tools.now.shape(record.kind)
        return task(str(token), record, shape, settings.result_ttl_s, settings.mcp_poll_s)

    def _token(self, client: McpClient, method: str, params: TaskParameters) -> Token:
        require_tasks(client, method)
        require_named(client, params.task_id)
        try:
            return self._runtime.jobs.find(params.task_id)
        except ProblemError as error:
            if error.problem.code == "unknown_token":
                raise unknown_token(params.task_id, "/taskId") from error
            raise
