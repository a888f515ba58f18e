"""`/mcp` where it is switched off, or its extra is missing."""

from typing import Any

import httpx
import pytest

from tidings_server.app import create_app
from tidings_server.mcp import mcp_endpoint
from tidings_server.settings import ServerSettings


async def post(**settings: Any) -> httpx.Response:
    app = create_app(ServerSettings(store_url="redis://127.0.0.1:1", **settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
        return await http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}})


async def test_it_can_be_switched_off() -> None:
    answer = await post(mcp=False)
    assert (answer.status_code, answer.json()["type"]) == (404, "about:blank")


async def test_without_its_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_endpoint, "PACKAGE", "no_such_package")
    answer = await post()
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_name")
    assert "pip install 'tidings[mcp]'" in answer.json()["detail"]


async def test_a_body_that_is_too_deep_is_an_error_before_anything_is_loaded() -> None:
    answer = await post(max_depth=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
    assert answer.json()["error"]["data"]["code"] == "invalid_frame"
