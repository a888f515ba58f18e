"""The configuration with which a client of the Model Context Protocol finds a server. Pure.

No credential is written into it: each client reads one from a variable of the environment, or asks its user.

Sources: https://code.claude.com/docs/en/mcp, https://cursor.com/docs/context/mcp,
https://code.visualstudio.com/docs/copilot/reference/mcp-configuration, https://www.npmjs.com/package/mcp-remote,
https://developers.openai.com/codex/mcp
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NAME = "tidings"
"""What the clients call the server."""

VARIABLE = "TIDINGS_CREDENTIAL"


class McpClientSettings(NamedTuple):
    """What one client wants."""

    file: str
    """Where it reads its configuration."""
    write: Callable[[str, bool], str]
    """Returns the text, for the address of `/mcp`, and whether the server asks for a credential."""
    hint: str = ""
    """What is to be done with a credential; empty: the variable is to be set."""


def _servers(member: str, server: Mapping[str, Any], reference: str, *, auth: bool, **more: Any) -> str:
    headers = {"headers": {"Authorization": f"Bearer {reference}"}} if auth else {}
    return json.dumps({**more, member: {NAME: {**server, **headers}}}, indent=2)


def _claude_code(url: str, auth: bool) -> str:
    return _servers("mcpServers", {"type": "http", "url": url}, f"${{{VARIABLE}}}", auth=auth)


def _claude_desktop(url: str, auth: bool) -> str:
    arguments = ["-y", "mcp-remote", url]
    server: dict[str, Any] = {"command": "npx", "args": arguments}
    if auth:  # the client breaks arguments with spaces on some systems: hence the whole value in the variable
        arguments += ["--header", "Authorization:${TIDINGS_AUTHORIZATION}"]
        server["env"] = {"TIDINGS_AUTHORIZATION": "Bearer YOUR_CREDENTIAL"}
    return json.dumps({"mcpServers": {NAME: server}}, indent=2)


def _cursor(url: str, auth: bool) -> str:
    return _servers("mcpServers", {"url": url}, f"${{env:{VARIABLE}}}", auth=auth)


def _vscode(url: str, auth: bool) -> str:
    asked = {"type": "promptString", "id": "tidings", "description": "Credential of Tidings", "password": True}
    more = {"inputs": [asked]} if auth else {}
    return _servers("servers", {"type": "http", "url": url}, "${input:tidings}", auth=auth, **more)


def _codex(url: str, auth: bool) -> str:
    lines = [f"[mcp_servers.{NAME}]", f"url = {json.dumps(url)}"]
    return "\n".join([*lines, f'bearer_token_env_var = "{VARIABLE}"'] if auth else lines)


CLIENTS: Mapping[str, McpClientSettings] = MappingProxyType(
    {
        "claude-code": McpClientSettings(".mcp.json", _claude_code),
        "claude-desktop": McpClientSettings(
            "claude_desktop_config.json", _claude_desktop, "put your credential in the place of YOUR_CREDENTIAL"
        ),
        "cursor": McpClientSettings(".cursor/mcp.json", _cursor),
        "vscode": McpClientSettings(".vscode/mcp.json", _vscode, "the editor asks for your credential"),
        "codex": McpClientSettings("~/.codex/config.toml", _codex),
    }
)
"""The clients, by their names."""
