"""Jobs as tasks: seen, answered and cancelled by the official Python client, at any server."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_types import CallToolResult

from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tools.raw import call, error, result
from tools.tasks_client import TasksExtension, connected

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")

system = system_fixture(KINDS, servers=2, server={"TIDINGS_MCP_TASK_AFTER_S": "0.3", "TIDINGS_MCP_POLL_S": "0.02"})


def task_of(url: str, name: str, arguments: dict[str, Any]) -> str:
    """Return the id of the task that a call becomes."""
    made = result(call(url, "tools/call", {"name": name, "arguments": arguments}))
    assert made["resultType"] == "task"
    found: str = made["taskId"]
    return found


def look(url: str, task: str, until: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
    """Return a task as soon as it fits."""
    end = time.monotonic() + scaled(15)
    while not until(found := result(call(url, "tasks/get", {"taskId": task}))):
        assert time.monotonic() < end, found
        time.sleep(found["pollIntervalMs"] / 1000)
    return found


def ended(found: dict[str, Any]) -> bool:
    return found["status"] in ("completed", "cancelled", "failed")


def asks(found: dict[str, Any]) -> bool:
    return bool(found["status"] == "input_required")


async def test_a_long_call_goes_on_as_a_task_that_tells_its_progress(system: System, tmp_path: Path) -> None:
    tasks, go = TasksExtension(), tmp_path / "go"
    async with connected(system.server.url, tasks) as client:
        waiting = asyncio.create_task(client.call_tool("wait_for", {"path": str(go)}))
        await until_async(lambda: "waits for a file (25 %)" in tasks.messages, seconds=15)
        assert tasks.statuses == ["working"]
        go.touch()
        found = await waiting
    assert isinstance(found, CallToolResult)
    assert (found.structured_content, found.is_error) == ({"result": str(go)}, False)
    assert (tasks.statuses, tasks.messages[-1]) == (["working", "completed"], "succeeded")


async def test_a_short_call_is_no_task(system: System) -> None:
    tasks = TasksExtension()
    async with connected(system.server.url, tasks) as client:
        found = await client.call_tool("add", {"numbers": [1, 2]})
    assert (found.structured_content, tasks.tasks) == ({"total": 3, "parts": [1, 2]}, [])


async def test_the_user_answers_what_the_job_asks(system: System) -> None:
    asked: list[dict[str, Any]] = []

    async def answer(key: str, request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["params"])
        if len(asked) == 1:
            return {"action": "accept", "content": {"address": "Köln", "gift": True}}
        return {"action": "accept", "content": {"value": True}}

    tasks = TasksExtension(answer)
    async with connected(system.server.url, tasks) as client:
        found = await client.call_tool("order", {"item": "book"})
    assert found.structured_content == {"sent": True, "address": "Köln", "gift": True}
    assert tasks.statuses[-1] == "completed"
    assert "input_required" in tasks.statuses
    assert asked[0] == {
        "mode": "form",
        "message": "Where shall we send the book?",
        "requestedSchema": {
            "type": "object",
            "properties": {
                "address": {"type": "string"},
                "speed": {"type": "string", "enum": ["fast", "slow"], "default": "slow"},
                "gift": {"type": "boolean", "default": False},
            },
            "required": ["address"],
        },
    }
    assert asked[1]["message"] == "It costs 5 €. Buy it?"
    assert asked[1]["requestedSchema"]["properties"] == {"value": {"type": "boolean"}}


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_user_who_declines_is_a_signal_that_is_null(system: System, action: str) -> None:
    url = system.server.url
    task = task_of(url, "order", {"item": "book"})
    (key,) = look(url, task, asks)["inputRequests"]
    result(call(url, "tasks/update", {"taskId": task, "inputResponses": {key: {"action": action}}}))
    assert look(url, task, ended)["result"]["structuredContent"] == {"sent": False}


def test_a_signal_of_which_the_saga_says_nothing_is_a_text(system: System) -> None:
    url = system.server.url
    task = task_of(url, "wants_word", {})
    ((key, request),) = look(url, task, asks)["inputRequests"].items()
    assert request["params"]["message"] == "The job wants_word waits for the signal word."
    answer = {"action": "accept", "content": {"value": "boo"}}
    result(call(url, "tasks/update", {"taskId": task, "inputResponses": {key: answer, "other": answer}}))
    again = call(url, "tasks/update", {"taskId": task, "inputResponses": {key: answer}})
    assert again.status_code == 200 or error(again)[1] == -32602  # the job may have ended meanwhile
    assert look(url, task, ended)["result"]["content"] == [{"type": "text", "text": "heard boo"}]


@pytest.mark.parametrize(
    ("response", "field"),
    [
        ({"action": "accept", "content": {"address": 1}}, "content/address"),
        ({"action": "accept", "content": {"speed": "fast"}}, "content"),
        ({"action": "accept"}, "content"),
        ({"action": "perhaps"}, "action"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_the_question_stays(
    system: System, response: dict[str, Any], field: str
) -> None:
    url = system.server.url
    task = task_of(url, "order", {"item": "book"})
    (key,) = look(url, task, asks)["inputRequests"]
    refused = call(url, "tasks/update", {"taskId": task, "inputResponses": {key: response}})
    assert error(refused)[:2] == (400, -32602)
    assert refused.json()["error"]["data"]["field"] == f"/inputResponses/{key}/{field}"
    assert list(look(url, task)["inputRequests"]) == [key]
    result(call(url, "tasks/cancel", {"taskId": task}))


def test_a_task_of_one_server_is_read_answered_and_cancelled_at_another(system: System, tmp_path: Path) -> None:
    here, there = (server.url for server in system.servers)
    task = task_of(here, "wait_for", {"path": str(tmp_path / "never")})
    found = look(there, task, lambda found: "file" in found["statusMessage"])
    assert (found["status"], found["ttlMs"], found["pollIntervalMs"]) == ("working", None, 20)
    assert found["createdAt"] <= found["lastUpdatedAt"]
    assert result(call(there, "tasks/cancel", {"taskId": task}))["resultType"] == "complete"
    found = look(here, task, ended)
    assert (found["status"], found["statusMessage"]) == ("cancelled", "cancelled")
    assert found["ttlMs"] >= 86_400_000
    assert "result" not in found
    assert httpx.get(f"{here}/v1/jobs/{task}").json()["status"] == "cancelled"


def test_a_cancelled_task_takes_no_answer_and_may_be_cancelled_again(system: System) -> None:
    url = system.server.url
    task = task_of(url, "order", {"item": "book"})
    (key,) = look(url, task, asks)["inputRequests"]
    for _ in range(2):
        result(call(url, "tasks/cancel", {"taskId": task}))
        assert look(url, task, ended)["status"] == "cancelled"
    answer = {"action": "decline"}
    status, code, message = error(call(url, "tasks/update", {"taskId": task, "inputResponses": {key: answer}}))
    assert (status, code) == (400, -32602)
    assert "the task has ended (cancelled)" in message


def test_a_job_that_fails_is_a_task_that_completed_with_an_error(system: System) -> None:
    url = system.server.url
    job = httpx.post(f"{url}/v1/jobs", json={"kind": "reject", "input": {"reason": "no"}}).json()["token"]
    found = look(url, job, ended)  # of a job that came another way
    assert (found["status"], found["statusMessage"]) == ("completed", "no")
    assert found["result"] == {
        "resultType": "complete", "isError": True, "content": [{"type": "text", "text": "rejected: no"}],
    }  # fmt: skip
