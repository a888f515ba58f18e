"""Following a tag by server-sent events."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.credential import JWT_SERVER, bearer, token
from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.states import TERMINAL

system = system_fixture(credential=token, server=JWT_SERVER | {"TIDINGS_MAX_WATCHES": "5"})

Event = tuple[str, str, dict[str, Any]]
"""Its `id`, its name, its data."""


class Stream:
    """Reads the events of one stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    async def next(self) -> Event:
        """Return the next event."""
        found: dict[str, str] = {}
        with anyio.fail_after(scaled(15)):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name in ("id", "event", "data"):
                    found[name] = value
                if not line and found:
                    break
        self.last_id = found.get("id", self.last_id)
        return found.get("id", ""), found["event"], json.loads(found["data"])

    async def until(self, *names: str) -> list[Event]:
        """Return the events up to the first of some names."""
        events = []
        while True:
            events.append(await self.next())
            if events[-1][1] in names:
                return events


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


@asynccontextmanager
async def stream(
    http: httpx.AsyncClient, sub: str, headers: dict[str, str] | None = None, **query: str
) -> AsyncIterator[Stream]:
    """Open the stream of a user."""
    headers = bearer(token(sub, "watch")) | (headers or {})
    async with http.stream("GET", "/v1/events", params=query, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield Stream(answer.aiter_lines())


async def submit(http: httpx.AsyncClient, sub: str, kind: str = "noop", **fields: Any) -> str:
    body = {"kind": kind, "input": {}, **fields}
    return str((await http.post("/v1/jobs", json=body, headers=bearer(token(sub)))).json()["token"])


async def test_a_stream_of_a_tag_has_the_live_jobs_and_those_that_come(http: httpx.AsyncClient, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    live = await submit(http, "ann", "wait_for_file", input={"path": str(flag)}, tags=["red"])
    async with stream(http, "ann", tag="red") as events:
        at, name, told = await events.next()
        assert (name, told["tag"], told["jobs"], told["at"]) == ("following", "red", 1, at)
        _, name, snapshot = (await events.until("snapshot"))[-1]
        assert (name, snapshot["token"], snapshot["tags"]) == ("snapshot", live, ["red"])
        await submit(http, "ann", tags=["blue"])
        await submit(http, "ben", tags=["red"])
        later = await submit(http, "ann", tags=["red"])
        ended = (await events.until("succeeded"))[-1]
        assert ended[2]["token"] == later
        flag.touch()
        assert (await events.until("succeeded"))[-1][2]["token"] == live


async def test_a_stream_of_a_tag_goes_on_after_its_last_id_and_misses_no_end(http: httpx.AsyncClient) -> None:
    async with stream(http, "cid", tag="red") as events:
        await events.next()
        first = await submit(http, "cid", tags=["red"])
        await events.until("succeeded")
        last_id = events.last_id
    assert last_id
    missed = await submit(http, "cid", tags=["red"])
    headers = bearer(token("cid"))
    await until_async(
        lambda: http.get(f"/v1/jobs/{missed}", headers=headers), lambda found: found.json()["status"] in TERMINAL
    )
    async with stream(http, "cid", {"last-event-id": last_id}, tag="red") as events:
        ends = {(await events.until("succeeded"))[-1][2]["token"] for _ in range(2)}
        assert ends == {first, missed}  # at least once: it begins a little before
    async with stream(http, "cid", tag="red", since="2999-01-01T00:00:00Z") as events:
        assert (await events.next())[2]["jobs"] == 0


async def test_a_stream_says_which_jobs_it_leaves_out(http: httpx.AsyncClient) -> None:
    made = [await submit(http, "dan", tags=["red"], delay=600) for _ in range(7)]
    async with stream(http, "dan", tag="red") as events:
        told = [await events.next() for _ in range(8)][1:]
        left_out = {data["token"] for _, name, data in told if name == "too_many_watches"}
        shown = {data["token"] for _, name, data in told if name == "snapshot"}
        assert left_out | shown == set(made)
        assert (len(shown), len(left_out)) == (5, 2)
        await http.delete(f"/v1/jobs/{shown.pop()}", headers=bearer(token("dan")))
        await events.until("cancelled")
        again = await submit(http, "dan", tags=["red"], delay=600)
        assert (await events.until("snapshot"))[-1][2]["token"] == again


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"tag": "two words"}, "invalid_frame", "/tag"),
        ({"tag": "t", "token": "x"}, "invalid_frame", "/token"),
        ({"tag": "t", "after": "1"}, "invalid_frame", "/after"),
        ({"tag": "t", "since": "yesterday"}, "invalid_frame", "/since"),
        ({"tag": "t", "since": "2026-01-01T00:00:00"}, "invalid_frame", "/since"),
        ({"tag": "t", "owner": "ben"}, "forbidden", "/owner"),
        ({"token": "x", "since": "2026-01-01T00:00:00Z"}, "invalid_frame", "/since"),
        ({"token": "x", "owner": "ann"}, "invalid_frame", "/owner"),
    ],
)
async def test_a_stream_that_makes_no_sense_is_refused_at_its_field(
    http: httpx.AsyncClient, query: dict[str, str], code: str, field: str
) -> None:
    answer = await http.get("/v1/events", params=query, headers=bearer(token("ann")))
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)


async def test_an_admin_streams_a_tag_of_another_owner(http: httpx.AsyncClient) -> None:
    made = await submit(http, "eve", tags=["red"], delay=600)
    headers = bearer(token("root", "admin"))
    async with stream(http, "root", headers, tag="red", owner="eve") as events:
        assert (await events.until("snapshot"))[-1][2]["token"] == made
