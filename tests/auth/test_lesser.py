"""A credential that allows less than the one before, or that ends, ends what it does not allow."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.credential import bearer, token
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(60)) as http:
        yield http


async def waiting_job(client: Peer, path: Path, **fields: Any) -> str:
    ack = await client.submit("wait_for_file", {"path": str(path)}, **fields)
    assert ack["type"] == "ack"
    return str(ack["token"])


async def ends(client: Peer, count: int) -> dict[str, str]:
    """Return the codes by which so many watches ended, by token."""
    found: dict[str, str] = {}
    while len(found) < count:
        frame = await client.receive()
        if frame["type"] == "error":
            assert frame["ref"] is None
            found[frame.get("token", "")] = frame["problem"]["code"]
    return found


async def test_without_admin_the_watches_of_others_jobs_end_and_ones_own_go_on(system: System, tmp_path: Path) -> None:
    root, bob = bearer(token("root", "admin")), bearer(token("bob"))
    async with (
        peer(system.server.socket_url, additional_headers=root) as admin,
        peer(system.server.socket_url, additional_headers=bob) as other,
    ):
        theirs = [await waiting_job(other, tmp_path / str(number)) for number in range(3)]
        own = await waiting_job(admin, tmp_path / "own")
        for name in theirs:
            assert (await admin.ask("watch", token=name))["type"] == "snapshot"
        assert (await admin.ask("observe"))["type"] == "done"
        assert (await admin.ask("auth", credential=token("root")))["type"] == "done"
        assert await ends(admin, 4) == dict.fromkeys([*theirs, ""], "forbidden")
        for number in range(3):
            (tmp_path / str(number)).touch()
        await other.ends(*theirs)
        (tmp_path / "own").touch()
        frames: list[dict[str, Any]] = []
        while not frames or frames[-1].get("event") != "succeeded":
            frames.append(await admin.receive())
        assert {frame["token"] for frame in frames if frame["type"] in ("event", "snapshot")} == {own}
        assert not [frame for frame in frames if frame["type"] == "overview"]


async def test_without_watch_all_watches_end_also_those_whose_answer_is_under_way(
    system: System, tmp_path: Path
) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token())) as client:
        followed = await waiting_job(client, tmp_path / "go")
        job = {"kind": "wait_for_file", "input": {"path": str(tmp_path / "go")}}
        auth = await client.send("auth", credential=token(scope="submit"))
        submitted = [await client.send("submit", **job) for _ in range(20)]
        asked = [await client.send("watch", token=followed) for _ in range(20)]
        assert (await client.answer(auth))["type"] == "done"
        acks = [ack for ack in [await client.answer(ref) for ref in submitted] if ack["type"] == "ack"]
        for ref in asked:
            await client.answer(ref)
        (tmp_path / "go").touch()
        async with peer(system.server.socket_url, additional_headers=bearer(token())) as other:
            for name in (followed, *(ack["token"] for ack in acks)):
                snapshot = await other.ask("watch", token=name)
                if snapshot["status"] != "succeeded":
                    await other.until(name)
        ping = await client.send("ping")
        frames: list[dict[str, Any]] = []
        while not frames or frames[-1].get("ref") != ping:
            frames.append(await client.receive())
        assert [frame["token"] for frame in frames if frame["type"] == "event"] == []


async def test_a_long_poll_does_not_outlast_its_credential(
    system: System, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    ack = (
        await http.post(
            "/v1/jobs",
            json={"kind": "wait_for_file", "input": {"path": str(tmp_path / "go")}},
            headers=bearer(token()),
        )
    ).json()
    snapshot = await http.get(f"/v1/jobs/{ack['token']}", headers=bearer(token()))
    async with anyio.create_task_group() as tasks:
        answers: dict[str, httpx.Response] = {}
        end = int(time.time()) + 2
        dying = bearer(token(exp=end))

        async def ask(name: str, method: str, path: str, **more: Any) -> None:
            headers = {**dying, **more.pop("headers")}
            answers[name] = await http.request(method, path, headers=headers, **more)

        waiting = {"prefer": "wait=50", "if-none-match": snapshot.headers["etag"]}
        body = {"kind": "wait_for_file", "input": {"path": str(tmp_path / "go")}}
        tasks.start_soon(lambda: ask("poll", "GET", f"/v1/jobs/{ack['token']}", headers=waiting))
        tasks.start_soon(lambda: ask("submit", "POST", "/v1/jobs", headers={"prefer": "wait=50"}, json=body))
        tasks.start_soon(lambda: ask("stream", "GET", f"/v1/jobs/{ack['token']}/events", headers={}))
        tasks.start_soon(lambda: ask("streams", "GET", f"/v1/events?token={ack['token']}", headers={}))
    assert end <= time.time() < end + 12  # far from the 50 s asked for, and from the 15 s of a heartbeat
    # What is said at the very moment of the end may be the last that the credential allows.
    assert answers["poll"].status_code in (304, 401) or answers["poll"].json()["seq"]
    # The job was accepted while the credential held: its token is told.
    assert answers["submit"].status_code == 202
    assert answers["submit"].json()["token"]
    for name in ("stream", "streams"):
        assert answers[name].status_code == 200
        assert "event: snapshot" in answers[name].text
        assert "succeeded" not in answers[name].text


async def test_a_ticket_ends_with_the_credential_it_stands_for(http: httpx.AsyncClient, tmp_path: Path) -> None:
    body = {"kind": "wait_for_file", "input": {"path": str(tmp_path / "go")}}
    ack = (await http.post("/v1/jobs", json=body, headers=bearer(token()))).json()
    end = int(time.time()) + 2
    ticket = (await http.post("/v1/tickets", headers=bearer(token(exp=end)))).json()
    assert ticket["expires_in"] <= 2
    stream = await http.get(f"/v1/jobs/{ack['token']}/events?ticket={ticket['ticket']}")
    assert stream.status_code == 200
    assert end <= time.time() < end + 12
