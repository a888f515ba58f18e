"""Tickets: once, soon, on any server, and worthless to whoever reads the store or the log."""

import hashlib
import json
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from redis.asyncio import Redis

from auth.test_socket import closed
from support.credential import JWT_SERVER, bearer, token
from support.peer import peer
from support.system import ServerProcess, System
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.frames import close_codes
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store


@pytest.fixture
async def records(system: System) -> AsyncIterator[Redis]:
    store = open_store(system.store.url)
    yield store
    await store.aclose()


async def fetch(server: ServerProcess, credential: str | None = None) -> str:
    async with httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as http:
        answer = await http.post("/v1/tickets", headers=bearer(credential or token()))
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert 0 < body["expires_in"] <= 30
        assert len(body["ticket"]) >= 22  # 128 bits, six to a character
        return str(body["ticket"])


async def stream(server: ServerProcess, place: str, ticket: str) -> int:
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as http,
        http.stream("GET", place, params={"ticket": ticket}) as answer,
    ):
        return answer.status_code


async def test_a_ticket_opens_a_socket_on_any_server_with_what_its_owner_may(system: System) -> None:
    ticket = await fetch(system.servers[0], token("tina", "submit watch", kinds="echo"))
    async with peer(f"{system.servers[1].socket_url}?ticket={ticket}") as client:
        assert client.hello["authenticated"] is True
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}
        assert (await client.submit("noop"))["problem"]["code"] == "forbidden"
        assert (await client.ask("cancel", token="x"))["problem"]["code"] == "forbidden"
        assert (await client.ask("auth", credential=token("tina")))["type"] == "done"
        assert (await client.ask("auth", credential=token("other")))["problem"]["code"] == "forbidden"


async def test_a_ticket_opens_a_stream_of_its_owner_s_jobs_alone(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        answer = await http.post("/v1/jobs", json={"kind": "noop", "input": {}}, headers=bearer(token("tina")))
        name = answer.json()["token"]
    for place in (f"/v1/jobs/{name}/events", f"/v1/events?token={name}"):
        url = httpx.URL(place)
        async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
            for sub, status in (("tina", 200), ("else", 404)):
                ticket = await fetch(system.server, token(sub))
                answer = await http.get(url.copy_merge_params({"ticket": ticket}))
                assert answer.status_code == status
                again = await http.get(url.copy_merge_params({"ticket": ticket}))
                assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")


async def test_a_ticket_that_was_used_is_worth_nothing_anywhere(system: System) -> None:
    ticket = await fetch(system.server)
    async with peer(f"{system.server.socket_url}?ticket={ticket}") as client:
        assert client.hello["authenticated"] is True
        for server in system.servers[:2]:
            async with peer(f"{server.socket_url}?ticket={ticket}") as thief:
                assert thief.hello["authenticated"] is False
                code, frames = await closed(thief)
                assert code == close_codes.UNAUTHENTICATED
                assert frames[0]["problem"]["code"] == "unauthenticated"
        assert (await client.ask("ping"))["type"] == "pong"


async def test_of_many_who_redeem_a_ticket_at_the_same_time_one_gets_in(system: System) -> None:
    ticket = await fetch(system.server)
    known: list[bool] = []

    async def redeem(server: ServerProcess) -> None:
        async with peer(f"{server.socket_url}?ticket={ticket}") as client:
            known.append(client.hello["authenticated"])

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(redeem, system.servers[number % 2])
    assert known.count(True) == 1
    assert len(known) == 20


async def test_a_ticket_runs_out(system: System, records: Redis) -> None:
    server = system.add_server(token("test"), **JWT_SERVER, TIDINGS_TICKET_TTL_S="0.2")
    ticket = await fetch(server)
    key = StoreKeys().ticket(hashlib.sha256(ticket.encode()).hexdigest())
    await until_async(lambda: records.exists(key), lambda found: not found, seconds=10)
    async with peer(f"{server.socket_url}?ticket={ticket}") as client:
        assert (await closed(client))[0] == close_codes.UNAUTHENTICATED


async def test_a_ticket_is_not_found_in_the_store_nor_in_a_log(system: System, records: Redis) -> None:
    credential = token("hidden")
    ticket = await fetch(system.server, credential)
    keys = [key async for key in records.scan_iter("*")]
    found = {key: await records.get(key) for key in keys if b":ticket:" in key}
    record = found[StoreKeys().ticket(hashlib.sha256(ticket.encode()).hexdigest()).encode()]
    assert record is not None
    assert json.loads(record)["owner"] == "hidden"
    everything = repr(found)
    for secret in (ticket, credential, credential.rpartition(".")[2]):
        assert secret not in everything
        assert secret not in system.server.text()
    async with peer(f"{system.server.socket_url}?ticket={ticket}") as client:
        assert client.hello["authenticated"] is True
    assert ticket not in system.server.text()


@pytest.mark.parametrize("ticket", ["x", "%00", "a" * 5000, "\u00e9"])
async def test_an_invented_ticket_is_refused(system: System, ticket: str) -> None:
    assert await stream(system.server, "/v1/jobs/default.aaaaaaaaaaaaaaaaaaaaaa/events", ticket) == 401


async def test_a_ticket_opens_nothing_but_sockets_and_streams(system: System) -> None:
    ticket = await fetch(system.server)
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15), params={"ticket": ticket}) as http:
        for method, place in (("GET", "/v1/kinds"), ("POST", "/v1/tickets"), ("POST", "/v1/jobs")):
            assert (await http.request(method, place)).status_code == 401
    async with peer(f"{system.server.socket_url}?ticket={ticket}") as client:
        assert client.hello["authenticated"] is True
