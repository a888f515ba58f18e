"""What clients of the Model Context Protocol are given to read."""

import json
import tomllib

import pytest

from tidings_cli.mcp.client_settings import CLIENTS

URL = "https://jobs.example/mcp"


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("auth", [True, False])
def test_each_is_read_by_its_format_and_names_the_server(name: str, auth: bool) -> None:
    client = CLIENTS[name]
    text = client.write(URL, auth)
    read = tomllib.loads(text) if client.file.endswith(".toml") else json.loads(text)
    servers = next(value for key, value in read.items() if "ervers" in key)
    assert URL in json.dumps(servers["tidings"])
    assert ("credential" in text.lower()) == auth
    assert ("authorization" in text.lower() or "bearer" in text.lower()) == auth
