"""Kinds as tools: what clients of the Model Context Protocol are offered, and what a call brings."""

import json
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from support.system import System, system_fixture
from support.tidings_command import run_tidings
from tools.tasks_client import connected

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")

system = system_fixture(KINDS)

VERSIONS = ["2026-07-28", "legacy"]


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", VERSIONS)
async def test_the_kinds_that_say_so_are_tools_with_their_schemas(system: System, mode: str) -> None:
    async with connected(system.server.url, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert "hidden" not in tools
    add = tools["add"]
    assert add.description == "Adds numbers."
    assert add.input_schema == {
        "title": "add",
        "type": "object",
        "properties": {
            "numbers": {"type": "array", "items": {"type": "integer"}},
            "twice": {"type": "boolean", "default": False},
        },
        "required": ["numbers"],
        "additionalProperties": False,
    }
    assert add.output_schema is not None
    assert set(add.output_schema["properties"]) == {"total", "parts"}
    assert tools["greet"].output_schema == {
        "type": "object",
        "properties": {"result": {"type": "string"}},
        "required": ["result"],
    }
    assert tools["untold"].output_schema is None
    assert "ChatRequest" in tools["tell"].input_schema["$defs"]


@pytest.mark.parametrize("mode", VERSIONS)
async def test_a_call_returns_the_result_of_its_job(system: System, mode: str) -> None:
    async with connected(system.server.url, mode=mode) as client:
        added = await client.call_tool("add", {"numbers": [1, 2], "twice": True})
        assert added.structured_content == {"total": 6, "parts": [1, 2]}
        assert text(added) == '{"total":6,"parts":[1,2]}'
        greeted = await client.call_tool("greet", {"name": "you"})
        assert (greeted.structured_content, text(greeted)) == ({"result": "Hello, you!"}, "Hello, you!")
        for value, content in (({"a": 1}, {"a": 1}), ([1], None), (None, None)):
            untold = await client.call_tool("untold", {"value": value})
            assert (untold.structured_content, untold.is_error) == (content, False)


@pytest.mark.parametrize("mode", VERSIONS)
async def test_arguments_that_fail_the_schema_are_a_failed_call_that_says_where(system: System, mode: str) -> None:
    async with connected(system.server.url, mode=mode) as client:
        wrong = await client.call_tool("add", {"numbers": ["one"], "twce": True})
        assert wrong.is_error
        lines = text(wrong).splitlines()
        assert lines[0].startswith("invalid_input: add: ")
        assert sorted(line.partition(":")[0] for line in lines[1:]) == ["/numbers/0", "/twce"]
        failed = await client.call_tool("reject", {"reason": "sold out"})
        assert (failed.is_error, text(failed)) == (True, "rejected: sold out")


@pytest.mark.parametrize("mode", VERSIONS)
@pytest.mark.parametrize("name", ["hidden", "absent", "x" * 500])
async def test_a_tool_that_is_not_offered_is_unknown(system: System, mode: str, name: str) -> None:
    async with connected(system.server.url, mode=mode) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool(name, {})
    assert (refused.value.code, refused.value.message) == (-32602, f"Unknown tool: {name[:100]}")


@pytest.mark.parametrize("mode", VERSIONS)
async def test_a_client_without_tasks_waits_and_hears_of_progress(system: System, mode: str, tmp_path: Path) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))
        (tmp_path / "go").touch()

    async with connected(system.server.url, mode=mode) as client:
        result = await client.call_tool("wait_for", {"path": str(tmp_path / "go")}, progress_callback=hear)
    assert (text(result), heard) == (str(tmp_path / "go"), [(0.25, 1.0, "waits for a file (25 %)")])


def test_the_command_prints_a_configuration_for_this_server(system: System) -> None:
    printed = run_tidings("mcp", "--url", system.server.url + "/")
    assert json.loads(printed.stdout) == {
        "mcpServers": {"tidings": {"type": "http", "url": f"{system.server.url}/mcp"}}
    }
    assert printed.stderr == "This goes into .mcp.json.\n"
    for wrong in (("--client", "absent"), ("--url", "ftp://here")):
        refused = run_tidings("mcp", *wrong)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert wrong[1] in refused.stderr
