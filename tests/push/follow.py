"""Following one job over each transport, on one server or on another after each break."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from itertools import cycle
from typing import Any

import httpx

from push.seen import Seen
from support.peer import peer
from support.system import ServerProcess
from support.timeouts import scaled

Follow = Callable[[list[ServerProcess], str, Seen, int], Coroutine[Any, Any, None]]
"""Servers in turn, token, what is told, and how many events or answers one connection lasts (0: for ever)."""


async def by_socket(servers: list[ServerProcess], token: str, seen: Seen, lasts: int = 0) -> None:
    """Over sockets; resumes by `after`."""
    for server in cycle(servers):
        async with peer(server.socket_url) as client:
            snapshot = await client.ask("watch", token=token, after=seen.seq)
            assert snapshot["type"] == "snapshot", snapshot
            seen.snapshot(snapshot)
            taken = 0
            while not seen.ended and (not lasts or taken < lasts):
                taken += 1
                frame = await client.receive()
                if frame["type"] == "snapshot":
                    seen.snapshot(frame)
                elif frame["type"] == "event":
                    seen.event(frame)
        if seen.ended:
            return


async def by_stream(servers: list[ServerProcess], token: str, seen: Seen, lasts: int = 0) -> None:
    """Over server-sent events; resumes by `Last-Event-ID`."""
    async with httpx.AsyncClient(timeout=scaled(30)) as http:
        for server in cycle(servers):
            headers = {"last-event-id": str(seen.seq)}
            async with http.stream("GET", f"{server.url}/v1/jobs/{token}/events", headers=headers) as answer:
                assert answer.status_code == 200
                taken = 0
                async for name, frame in sse(answer.aiter_lines()):
                    if name == "snapshot":
                        seen.snapshot(frame, numbered=False)
                    else:
                        taken += 1
                        seen.event(frame)
                    if lasts and taken >= lasts:
                        break
            if seen.ended:
                return


async def sse(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line:
            if "data" in fields:
                frame = json.loads(fields["data"])
                # Were a snapshot numbered, who resumes after one would never be told the events it precedes.
                number = None if fields["event"] == "snapshot" else str(frame["seq"])
                assert fields.get("id") == number
                yield fields["event"], frame
            fields = {}


async def by_long_poll(servers: list[ServerProcess], token: str, seen: Seen, lasts: int = 0) -> None:
    """By long-poll; resumes by the ETag."""
    async with httpx.AsyncClient(timeout=scaled(30)) as http:
        for server in cycle(servers):
            taken = 0
            while not seen.ended and (not lasts or taken < lasts):
                taken += 1
                headers = {"prefer": "wait=10", "if-none-match": f'"{seen.seq}"'}
                answer = await http.get(f"{server.url}/v1/jobs/{token}", headers=headers)
                if answer.status_code == 503:  # the store cannot be asked: come again
                    assert answer.json()["code"] == "store_unavailable"
                    continue
                assert answer.status_code in (200, 304), answer.text
                if answer.status_code == 200:
                    assert answer.headers["etag"] == f'"{answer.json()["seq"]}"'
                    seen.whole(answer.json())
            if seen.ended:
                return


TRANSPORTS: dict[str, Follow] = {"socket": by_socket, "stream": by_stream, "long-poll": by_long_poll}
