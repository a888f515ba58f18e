"""What bad requests get: the errors of the protocol, and no harm done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings_server.auth.api_key import new_key, setting_line
from tools.raw import ACCEPT, VERSION, call, error, meta, result

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")
ALICE, BOB, READER = new_key(), new_key(), new_key()
UNKNOWN = "default." + "a" * 22
UPDATE: dict[str, Any] = {"inputResponses": {}}

system = system_fixture(
    KINDS,
    credential=lambda: ALICE,
    server={
        "TIDINGS_AUTH": "api_key",
        "TIDINGS_API_KEYS": ",".join(
            [setting_line("alice", ALICE), setting_line("bob", BOB), setting_line("reader", READER, ("watch",))]
        ),
        "TIDINGS_MCP_TASK_AFTER_S": "0",
        "TIDINGS_MAX_FRAME_BYTES": "20000",
        "TIDINGS_MAX_DEPTH": "20",
        "TIDINGS_MAX_CONNECTIONS_PER_CALLER": "2",
        "TIDINGS_ALLOWED_ORIGINS": "https://app.example",
    },
)


@pytest.fixture(scope="module")
def task(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A task of Alice's that goes on."""
    path = tmp_path_factory.mktemp("tasks") / "never"
    made = ask(system, "tools/call", {"name": "wait_for", "arguments": {"path": str(path)}})
    yield result(made)["taskId"]
    path.touch()


def ask(system: System, method: str, params: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
    options.setdefault("credential", ALICE)
    return call(system.server.url, method, params, **options)


def post(system: System, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {
        "accept": ACCEPT,
        "content-type": "application/json",
        "authorization": f"Bearer {ALICE}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return httpx.post(f"{system.server.url}/mcp", content=content, headers=sent, timeout=scaled(15))


@pytest.mark.parametrize(
    ("method", "params"), [("tasks/get", {}), ("tasks/update", UPDATE), ("tasks/cancel", {})], ids=str
)
@pytest.mark.parametrize("whose", ["another's", "unknown", "malformed"])
def test_a_task_that_the_client_may_not_see_is_unknown(
    system: System, task: str, method: str, params: dict[str, Any], whose: str
) -> None:
    named = {"another's": task, "unknown": UNKNOWN, "malformed": "ü/1"}[whose]
    status, code, message = error(ask(system, method, {"taskId": named, **params}, credential=BOB))
    assert (status, code) == (400, -32602)
    assert message == f"unknown_token: there is no job {named!r}; results are kept for a limited time"
    assert result(ask(system, "tasks/get", {"taskId": task}))["status"] == "working"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_a_client_that_does_not_declare_tasks_reads_none(system: System, task: str, method: str) -> None:
    params = {"taskId": task, **(UPDATE if method == "tasks/update" else {})}
    answer = ask(system, method, params, tasks=False)
    assert error(answer)[:2] == (400, -32021)
    assert answer.json()["error"]["data"] == {
        "requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    }
    earlier = post(system, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    assert error(earlier)[1] == -32601


def test_a_scope_or_a_grant_opens_what_it_says_and_no_more(system: System, task: str) -> None:
    assert result(ask(system, "tools/list", credential=READER))["tools"] == []
    refused = ask(system, "tools/call", {"name": "add", "arguments": {"numbers": []}}, credential=READER)
    assert error(refused)[1:] == (-32000, "forbidden: the credential lacks the scope 'submit'")
    assert refused.json()["error"]["data"]["code"] == "forbidden"
    grants = f"{system.server.url}/v1/grants"
    mine = {"authorization": f"Bearer {ALICE}"}
    grant = httpx.post(grants, json={"token": task, "may": ["watch"]}, headers=mine).json()["grant"]
    assert result(ask(system, "tasks/get", {"taskId": task}, credential=grant))["status"] == "working"
    refused = ask(system, "tasks/cancel", {"taskId": task}, credential=grant)
    assert error(refused)[1:] == (-32000, "forbidden: the grant does not allow 'cancel'")


def test_who_shows_no_credential_or_a_wrong_one_does_not_get_in(system: System) -> None:
    for credential in ("", "x"):
        answer = ask(system, "tools/list", credential=credential)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    foreign = ask(system, "tools/list", headers={"origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    known = ask(system, "tools/list", headers={"origin": "https://app.example"})
    assert known.headers["access-control-allow-origin"] == "https://app.example"


def test_a_header_that_names_another_task_or_tool_is_a_mismatch(system: System, task: str) -> None:
    for headers in ({"mcp-name": UNKNOWN}, {"mcp-name": ""}, {"mcp-method": "tasks/cancel"}):
        assert error(ask(system, "tasks/get", {"taskId": task}, headers=headers))[:2] == (400, -32020)
    named = ask(system, "tools/call", {"name": "add", "arguments": {}}, headers={"mcp-name": "greet"})
    assert error(named)[:2] == (400, -32020)


def test_a_version_that_is_not_spoken_is_named_with_those_that_are(system: System) -> None:
    answer = ask(system, "tools/list", version="2031-01-01")
    assert error(answer)[:2] == (400, -32022)
    assert answer.json()["error"]["data"] == {"supported": [VERSION], "requested": "2031-01-01"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"[]", 400, -32600),
        (b'"a"', 400, -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', 400, -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"' + b"a" * 20_000 + b'"}', 413, -32600),
        (b"[" * 21 + b"]" * 21, 400, -32600),
        (b"\xff", 400, -32700),
    ],
    ids=["cut", "batch", "text", "version", "id", "envelope", "large", "deep", "latin-1"],
)
def test_what_is_no_request_is_an_error_of_json_rpc(system: System, body: bytes, status: int, code: int) -> None:
    answer = post(system, body, mcp_protocol_version=VERSION, mcp_method="tools/list")
    assert error(answer)[:2] == (status, code)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/call", {"name": "add", "arguments": []}, -32602),
        ("tools/call", {}, -32602),
        ("tasks/get", {}, -32602),
        ("tasks/get", {"taskId": 1}, -32602),
        ("tasks/update", {"taskId": UNKNOWN}, -32602),
        ("tasks/update", {"taskId": UNKNOWN, "inputResponses": {"a": 1}}, -32602),
        ("tasks/list", {}, -32601),
        ("prompts/list", {}, -32601),
        ("tools/list", {"cursor": "\0"}, -32602),
    ],
)
def test_a_method_that_there_is_not_or_wrong_parameters_are_named(
    system: System, method: str, params: dict[str, Any], code: int
) -> None:
    assert error(ask(system, method, params))[1] == code


def test_a_client_that_waits_for_more_than_it_may_is_told_so(system: System, tmp_path: Path) -> None:
    path = str(tmp_path / "never")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body |= {"params": {"name": "wait_for", "arguments": {"path": path}, "_meta": {**meta(), "progressToken": 1}}}
    headers = {"accept": ACCEPT, "mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "wait_for"}
    headers["authorization"] = f"Bearer {BOB}"
    url = f"{system.server.url}/mcp"
    with (
        httpx.Client(timeout=scaled(15)) as http,
        http.stream("POST", url, json=body, headers=headers) as first,
        http.stream("POST", url, json=body, headers=headers) as second,
    ):
        unread = [answer.iter_lines() for answer in (first, second)]  # without them the connections would be closed
        for lines in unread:
            assert any("waits for a file" in line for line in lines)
        third = http.post(url, json=body, headers=headers)
    assert (third.status_code, third.json()["code"]) == (429, "rate_limited")


def test_the_command_prints_a_place_for_the_credential_that_a_server_asks_for(system: System) -> None:
    printed = run_tidings("mcp", "--url", system.server.url)
    server = json.loads(printed.stdout)["mcpServers"]["tidings"]
    assert server["headers"] == {"Authorization": "Bearer ${TIDINGS_CREDENTIAL}"}
    assert "Set TIDINGS_CREDENTIAL" in printed.stderr


def test_there_is_neither_a_stream_nor_a_session_to_get_or_delete(system: System) -> None:
    for method in ("GET", "DELETE"):
        answer = httpx.request(method, f"{system.server.url}/mcp", headers={"authorization": f"Bearer {ALICE}"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_server_is_unharmed(system: System) -> None:
    assert system.server.process.poll() is None
    assert "Traceback" not in system.server.text()
