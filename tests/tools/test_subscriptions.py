"""What clients are told without asking again: their tasks, and the tools."""

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from support.system import System, system_fixture, written
from support.timeouts import scaled
from tools.raw import ACCEPT, TASKS, VERSION, call, error, meta, result

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")
UNKNOWN = "default." + "a" * 22
MORE = written("from tidings import job\n\n\n@job(mcp=True)\ndef later() -> None:\n    '''Comes later.'''\n")

system = system_fixture(KINDS, server={"TIDINGS_MCP_TASK_AFTER_S": "0"})


@contextlib.contextmanager
def listening(url: str, wanted: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    """Subscribe; yield the messages as they come."""
    params = {"notifications": wanted, "_meta": meta(TASKS)}
    body = {"jsonrpc": "2.0", "id": "s1", "method": "subscriptions/listen", "params": params}
    headers = {"accept": ACCEPT, "mcp-protocol-version": VERSION, "mcp-method": "subscriptions/listen"}
    with httpx.stream("POST", f"{url}/mcp", json=body, headers=headers, timeout=scaled(30)) as answer:
        yield (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))


def begun(system: System, path: Path) -> str:
    made = result(call(system.server.url, "tools/call", {"name": "wait_for", "arguments": {"path": str(path)}}))
    task: str = made["taskId"]
    return task


def test_a_task_is_told_with_each_change_and_to_its_end(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    task = begun(system, path)
    with listening(system.server.url, {"taskIds": [task, UNKNOWN, "x"]}) as messages:
        first = next(messages)
        assert first["method"] == "notifications/subscriptions/acknowledged"
        assert first["params"]["notifications"] == {"taskIds": [task]}
        told = next(messages)["params"]
        while told["statusMessage"] != "waits for a file (25 %)":
            told = next(messages)["params"]
        assert told["_meta"] == {"io.modelcontextprotocol/subscriptionId": "s1"}
        path.touch()
        told = next(message for message in messages if message["params"]["status"] != "working")["params"]
        assert told["result"]["structuredContent"] == {"result": str(path)}
        (last,) = messages
    assert last["id"] == "s1"
    assert last["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "s1"
    seen = result(call(system.server.url, "tasks/get", {"taskId": task}))
    assert {name: told[name] for name in seen if name not in ("_meta", "resultType")} == {
        name: seen[name] for name in seen if name not in ("_meta", "resultType")
    }


def test_tasks_are_told_to_clients_that_declare_them_alone(system: System) -> None:
    params = {"notifications": {"taskIds": [UNKNOWN]}}
    assert error(call(system.server.url, "subscriptions/listen", params, tasks=False))[:2] == (400, -32021)
    many = {"notifications": {"taskIds": [UNKNOWN] * 1_001}}
    assert error(call(system.server.url, "subscriptions/listen", many))[:2] == (400, -32602)


def test_a_new_tool_is_told_until_the_server_leaves(system: System, tmp_path: Path) -> None:
    leaving = system.add_server()
    with listening(leaving.url, {"toolsListChanged": True, "promptsListChanged": True}) as messages:
        assert next(messages)["params"]["notifications"] == {"toolsListChanged": True}
        system.add_worker(MORE(tmp_path))
        assert next(messages)["method"] == "notifications/tools/list_changed"
        assert "later" in [tool["name"] for tool in result(call(leaving.url, "tools/list"))["tools"]]
        leaving.signal(signal.SIGTERM)
        (last,) = messages
    assert last["result"]["resultType"] == "complete"
