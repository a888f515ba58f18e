"""Ownership: a stranger learns nothing, disturbs nothing, and shares nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.credential import JWT_SERVER, bearer, token
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled

UNKNOWN = "default." + "a" * 22
STRANGER = "MALLORY"


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


def socket(system: System, sub: str, server: int = 0, **more: Any) -> Any:
    return peer(system.servers[server].socket_url, additional_headers=bearer(token(sub, **more)))


async def waiting_job(client: Peer, path: Path, **fields: Any) -> str:
    ack = await client.submit("wait_for_file", {"path": str(path)}, **fields)
    assert ack["type"] == "ack"
    return str(ack["token"])


def seen(answer: httpx.Response, name: str) -> tuple[int, dict[str, str], bytes]:
    """Return all that an answer shows, with the token's text, which is the asker's own, taken out."""
    headers = {key: value for key, value in answer.headers.items() if key not in ("date", "content-length")}
    return answer.status_code, headers, answer.content.replace(name.encode(), b"TOKEN")


@pytest.mark.parametrize("server", [0, 1], ids=["same-server", "another-server"])
@pytest.mark.parametrize("ended", [False, True], ids=["running", "ended"])
async def test_over_http_another_s_job_is_like_one_that_never_was(
    system: System, tmp_path: Path, server: int, ended: bool
) -> None:
    async with (
        socket(system, "alice") as alice,
        httpx.AsyncClient(
            base_url=system.servers[server].url, timeout=scaled(15), headers=bearer(token(STRANGER))
        ) as http,
    ):
        path = tmp_path / "go"
        name = await waiting_job(alice, path)
        if ended:
            path.touch()
            await alice.until(name)
        for method, place, headers in (
            ("GET", "/v1/jobs/{}", {}),
            ("GET", "/v1/jobs/{}", {"if-none-match": '"1"'}),
            ("GET", "/v1/jobs/{}", {"if-none-match": '"1"', "prefer": "wait=5"}),
            ("DELETE", "/v1/jobs/{}", {}),
            ("POST", "/v1/jobs/{}/signals/approved", {}),
            ("GET", "/v1/jobs/{}/events", {}),
            ("GET", "/v1/jobs/{}/events?after=9", {}),
            ("GET", "/v1/events?token={}", {}),
        ):
            answers = [
                seen(await http.request(method, place.format(one), headers=headers), one) for one in (name, UNKNOWN)
            ]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404
        if not ended:
            path.touch()
            assert (await alice.until(name))[-1]["event"] == "succeeded"
        assert alice.early == []


@pytest.mark.parametrize("server", [0, 1], ids=["same-server", "another-server"])
@pytest.mark.parametrize("ended", [False, True], ids=["running", "ended"])
async def test_over_a_socket_another_s_job_is_like_one_that_never_was(
    system: System, tmp_path: Path, server: int, ended: bool
) -> None:
    path = tmp_path / "go"
    async with socket(system, "alice") as alice:
        name = await waiting_job(alice, path)
        if ended:
            path.touch()
            await alice.until(name)
        told: list[list[str]] = []
        for one in (name, UNKNOWN):
            async with socket(system, STRANGER, server) as stranger:
                questions: list[tuple[str, dict[str, Any]]] = [
                    ("watch", {}),
                    ("watch", {"after": 1}),
                    ("cancel", {}),
                    ("signal", {"name": "approved"}),
                    ("unwatch", {}),
                    ("ping", {}),
                ]
                for ref, (type_, more) in enumerate(questions):
                    await stranger.connection.send(json.dumps({"type": type_, "ref": ref, "token": one, **more}))
                told.append([str(await stranger.connection.recv()).replace(one, "TOKEN") for _ in range(6)])
        assert sorted(told[0]) == sorted(told[1])
        codes = [json.loads(text).get("problem", {}).get("code") for text in told[0]]
        assert codes.count("unknown_token") == 4
        if not ended:
            path.touch()
            assert (await alice.until(name))[-1]["event"] == "succeeded"


async def test_strangers_who_try_all_the_time_leave_the_owner_s_watching_unharmed(
    system: System, tmp_path: Path
) -> None:
    """The hub has one topic for each job: a stranger's answer must not end it, whenever it comes."""
    async with socket(system, "alice") as alice, socket(system, "alice") as again, socket(system, STRANGER) as stranger:
        names = []
        for number in range(20):
            name = await waiting_job(alice, tmp_path / str(number))
            names.append(name)
            refs = [await stranger.send("watch", token=name) for _ in range(3)]
            snapshot = await again.ask("watch", token=name)
            assert snapshot["type"] == "snapshot"
            refs += [await stranger.send("watch", token=name) for _ in range(3)]
            for ref in refs:
                assert (await stranger.answer(ref))["problem"]["code"] == "unknown_token"
        for number, name in enumerate(names):
            (tmp_path / str(number)).touch()
            ref = await stranger.send("watch", token=name)
            for owner in (alice, again):
                events = await owner.until(name)
                assert events[-1]["event"] == "succeeded"
            await stranger.answer(ref)


async def test_a_stranger_hears_no_event_of_a_job_it_asked_for(system: System, tmp_path: Path) -> None:
    async with socket(system, "alice") as alice, socket(system, STRANGER) as stranger:
        name = await waiting_job(alice, tmp_path / "go")
        frames = [await stranger.ask("watch", token=name)]
        (tmp_path / "go").touch()
        await alice.until(name)
        ref = await stranger.send("ping")
        while frames[-1].get("ref") != ref:
            frames.append(await stranger.receive())
        assert [frame["type"] for frame in frames] == ["error", "pong"]


async def test_an_owner_reaches_its_job_on_any_server_and_an_admin_every_job(system: System, tmp_path: Path) -> None:
    async with (
        socket(system, "alice") as alice,
        socket(system, "alice", 1) as elsewhere,
        socket(system, "root", 1, scope="admin") as admin,
    ):
        name = await waiting_job(alice, tmp_path / "go")
        for one in (elsewhere, admin):
            assert (await one.ask("watch", token=name))["type"] == "snapshot"
        answer, end = await admin.cancel(name)
        assert (answer["type"], end["event"]) == ("done", "cancelled")
        for one in (alice, elsewhere):
            assert (await one.until(name))[-1]["event"] == "cancelled"


async def test_an_idempotency_key_belongs_to_its_owner(http: httpx.AsyncClient) -> None:
    async def submit(sub: str, text: str) -> httpx.Response:
        headers = bearer(token(sub)) | {"idempotency-key": "the-same"}
        return await http.post("/v1/jobs", json={"kind": "echo", "input": {"text": text}}, headers=headers)

    first, again, other = await submit("alice", "a"), await submit("alice", "a"), await submit("bob", "b")
    assert again.json()["token"] == first.json()["token"]
    assert (other.status_code, other.json()["duplicate"]) == (202, False)
    assert other.json()["token"] != first.json()["token"]


async def test_a_unique_value_belongs_to_its_owner(system: System, tmp_path: Path) -> None:
    """Else a stranger would be given the token of a job that it cannot see, and no result."""
    async with socket(system, "alice") as alice, socket(system, "bob") as bob:
        input_ = {"path": str(tmp_path / "go")}
        mine, again = await alice.submit("only_one", input_), await alice.submit("only_one", input_)
        assert (again["token"], again["duplicate"]) == (mine["token"], True)
        other = await bob.submit("only_one", input_)
        assert other["duplicate"] is False
        assert other["token"] != mine["token"]
        (tmp_path / "go").touch()
        assert (await bob.until(other["token"]))[-1]["event"] == "succeeded"


async def test_the_share_of_a_queue_is_the_owner_s(system: System, tmp_path: Path) -> None:
    server = system.add_server(token("test"), **JWT_SERVER, TIDINGS_MAX_BACKLOG_PER_CALLER="2")
    async with (
        peer(server.socket_url, additional_headers=bearer(token("carol"))) as carol,
        peer(server.socket_url, additional_headers=bearer(token("dave"))) as dave,
    ):
        names = [await waiting_job(carol, tmp_path / "go") for _ in range(2)]
        refused = await carol.submit("wait_for_file", {"path": str(tmp_path / "go")})
        assert refused["problem"]["code"] == "backlog_full"
        names.append(await waiting_job(dave, tmp_path / "go"))
        (tmp_path / "go").touch()
        assert set((await carol.ends(*names[:2])).values()) == {"succeeded"}
        assert await dave.until(names[2])


async def test_jobs_without_an_owner_are_an_admin_s_when_authentication_is_switched_on(
    system: System, tmp_path: Path
) -> None:
    before = system.add_server()
    async with (
        peer(before.socket_url) as anyone,
        socket(system, "alice") as alice,
        socket(system, "r", scope="admin") as admin,
    ):
        name = await waiting_job(anyone, tmp_path / "go")
        assert (await alice.ask("watch", token=name))["problem"]["code"] == "unknown_token"
        assert (await alice.ask("cancel", token=name))["problem"]["code"] == "unknown_token"
        assert (await admin.ask("watch", token=name))["type"] == "snapshot"
        with anyio.fail_after(scaled(10)):
            (tmp_path / "go").touch()
            assert (await anyone.until(name))[-1]["event"] == "succeeded"
