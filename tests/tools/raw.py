"""Requests of the protocol as bytes on the wire, for what no client's library sends."""

import json
from typing import Any

import httpx
from mcp.shared.inbound import encode_header_value

from support.timeouts import scaled

VERSION = "2026-07-28"
TASKS = "io.modelcontextprotocol/tasks"
ACCEPT = "application/json, text/event-stream"


def meta(*extensions: str, version: str = VERSION) -> dict[str, Any]:
    return {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {name: {} for name in extensions}},
    }


def call(
    url: str,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    tasks: bool = True,
    credential: str = "",
    headers: dict[str, str] | None = None,
    version: str = VERSION,
) -> httpx.Response:
    """Send one request of version 2026-07-28."""
    params = {**(params or {}), "_meta": meta(*([TASKS] if tasks else []), version=version)}
    named = str(params.get("taskId") or params.get("name") or "")
    found = {"accept": ACCEPT, "mcp-protocol-version": version, "mcp-method": method}
    if named:
        found["mcp-name"] = encode_header_value(named)
    if credential:
        found["authorization"] = f"Bearer {credential}"
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(f"{url}/mcp", json=body, headers={**found, **(headers or {})}, timeout=scaled(30))


def result(answer: httpx.Response) -> dict[str, Any]:
    """Return the result in an answer, which may be the last event of a stream."""
    found = _message(answer)
    assert "result" in found, found
    value: dict[str, Any] = found["result"]
    return value


def error(answer: httpx.Response) -> tuple[int, int, str]:
    """Return the HTTP status, the code and the message of an answer that is an error."""
    found = _message(answer)["error"]
    return answer.status_code, found["code"], found["message"]


def _message(answer: httpx.Response) -> dict[str, Any]:
    if answer.headers["content-type"].startswith("text/event-stream"):
        lines = [line for line in answer.text.splitlines() if line.startswith("data: {")]
        text = lines[-1].removeprefix("data: ")
    else:
        text = answer.text
    found: dict[str, Any] = json.loads(text)
    return found
