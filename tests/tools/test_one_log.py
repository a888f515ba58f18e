"""One job, told by every protocol: the socket, server-sent events, long polls, a chat's stream and MCP say the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tidings import Client
from tools.raw import call, result

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")

system = system_fixture(KINDS, servers=2, server={"TIDINGS_MCP_POLL_S": "0.02"})

TEXT = "To be, or not."


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=scaled(30)) as http:
        yield http


class Heard:
    """What one reader has heard of a job."""

    def __init__(self) -> None:
        self.progress: Any = None
        self.log: list[Any] = []
        self.parts: list[Any] = []
        self.result: Any = None

    def take(self, name: str, data: Any) -> None:
        """Take one event."""
        if name == "progress":
            self.progress = data["message"]
        elif name == "log":
            self.log.append(data)
        elif name == "chunk":
            self.parts.append(data["data"])
        elif name == "chunks":
            self.parts += data["data"]
        elif name == "succeeded":
            self.result = data["result"]

    def take_snapshot(self, found: Any) -> None:
        """Take all that is known of the job."""
        self.progress = found["progress"]["message"]
        self.log = [chunk["data"] for chunk in found["log"]]
        self.parts = found["streams"]["ui"]["chunks"]
        self.result = found.get("result")


async def by_socket(url: str, token: str) -> Heard:
    heard = Heard()
    async with Client(url) as client:
        handle = await client.watch(token)
        async for event in handle:
            heard.take(event.name, event.data)
        heard.parts = [part async for part in handle.stream("ui")]
        heard.result = await handle.result()
    return heard


async def by_events(http: httpx.AsyncClient, url: str, token: str) -> Heard:
    heard = Heard()
    async with aconnect_sse(http, "GET", f"{url}/v1/jobs/{token}/events") as source:
        async for event in source.aiter_sse():
            found = json.loads(event.data)
            if event.event == "snapshot":  # the log comes as events
                log = heard.log
                heard.take_snapshot(found)
                heard.log = log + heard.log
            elif event.event:
                heard.take(event.event, found["data"])
    return heard


async def by_long_polls(http: httpx.AsyncClient, url: str, token: str) -> Heard:
    heard, seen = Heard(), '"0"'
    while heard.result is None:
        headers = {"prefer": "wait=10", "if-none-match": seen}
        answer = await http.get(f"{url}/v1/jobs/{token}", headers=headers)
        seen = answer.headers["etag"]
        if answer.status_code == 200 and "streams" in answer.json() and answer.json()["progress"]:
            heard.take_snapshot(answer.json())
    return heard


async def by_chat(http: httpx.AsyncClient, url: str, chat: str) -> Heard:
    heard = Heard()
    async with aconnect_sse(http, "GET", f"{url}/v1/chat/tell/{chat}/stream") as source:
        async for event in source.aiter_sse():
            if event.data != "[DONE]":
                heard.parts.append(json.loads(event.data))
    return heard


async def by_mcp(url: str, token: str, heard: Heard) -> Heard:
    while heard.result is None:
        found = result(await asyncio.to_thread(call, url, "tasks/get", {"taskId": token}))
        if found["status"] == "completed":
            heard.result = found["result"]["structuredContent"]
        else:
            heard.progress = found["statusMessage"]
        await asyncio.sleep(found["pollIntervalMs"] / 1000)
    return heard


async def test_every_protocol_tells_the_same_of_one_job(
    system: System, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    here, there = (server.url for server in system.servers)
    path = tmp_path / "go"
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "To be?"}]}
    asked = {"id": "chat-1", "messages": [message], "path": str(path)}
    async with aconnect_sse(http, "POST", f"{here}/v1/chat/tell", json=asked) as begun:
        token = begun.response.headers["location"].rpartition("/")[2]
        async for event in begun.aiter_sse():
            if "text-delta" in event.data:
                break
        model = Heard()
        readers = [
            asyncio.create_task(by_socket(here, token)),
            asyncio.create_task(by_events(http, there, token)),
            asyncio.create_task(by_long_polls(http, here, token)),
            asyncio.create_task(by_chat(http, there, "chat-1")),
            asyncio.create_task(by_mcp(there, token, model)),
        ]
        await until_async(lambda: model.progress == "half (50 %)")
        path.touch()
        socket, events, polls, chat, _ = await asyncio.gather(*readers)
    late = Heard()
    late.take_snapshot((await http.get(f"{here}/v1/jobs/{token}")).json())
    assert "".join(part["delta"] for part in socket.parts if part["type"] == "text-delta") == TEXT
    assert socket.parts == events.parts == polls.parts == chat.parts == late.parts
    assert socket.result == events.result == polls.result == model.result == late.result
    assert "".join(part.get("text", "") for part in late.result["parts"]) == TEXT
    assert (events.log, polls.log, late.log) == (["began"],) * 3
    assert socket.progress == events.progress == polls.progress == late.progress == "half"
