"""What submitters are told while a breaker is open, over the socket and over HTTP."""

from typing import Any

import anyio
import httpx

from breaker.conftest import add_worker
from breaker.service import Service
from breaker.watch import outcomes, until
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled
from tidings.store.breaker_store import BreakerStore


async def refused(client: Peer, service: Service) -> dict[str, Any]:
    """Return the refusal of a `charge`, once the server knows that the breaker is open."""
    with anyio.fail_after(scaled(30)):
        while (answer := await client.submit("charge", {"url": service.url}))["type"] == "ack":
            await client.until(answer["token"])
    return answer


async def test_work_that_would_fail_at_once_is_refused_with_the_time_to_come_back(
    system: System, operator: BreakerStore, service: Service
) -> None:
    service.failing = True
    async with peer(system.server.socket_url) as client, httpx.AsyncClient(base_url=system.server.url) as http:
        answer = await refused(client, service)
        assert answer["problem"]["code"] == "circuit_open"
        assert 50 < answer["problem"]["retry_after"] <= 60
        posted = await http.post("/v1/jobs", json={"kind": "charge", "input": {"url": service.url}})
        assert (posted.status_code, posted.json()["code"]) == (503, "circuit_open")
        assert 50 <= int(posted.headers["retry-after"]) <= 60
        body = [{"kind": "charge", "input": {"url": service.url}}, {"kind": "decline", "input": {}}]
        batch = (await http.post("/v1/jobs/batch", json=body)).json()
        assert [one["code"] for one in batch] == ["circuit_open"] * 2
        assert len(service.calls) == 2
        # One that is in the queue already fails there, without a call.
        service.failing = False
        await operator.close("charges")
        with anyio.fail_after(scaled(30)):
            while (ack := await client.submit("charge", {"url": service.url}))["type"] != "ack":
                pass
        assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"


async def test_a_job_in_the_queue_fails_fast_if_its_kind_wants_that(
    system: System, operator: BreakerStore, service: Service
) -> None:
    await operator.open("charges")
    async with peer(system.server.socket_url) as client:
        # Taken with a delay, before the server can know, or after: either way it is told.
        ack = await client.submit("charge", {"url": service.url})
        if ack["type"] == "ack":
            end = (await client.until(ack["token"]))[-1]
            assert (end["event"], end["data"]["problem"]["code"]) == ("failed", "circuit_open")
        else:
            assert ack["problem"]["code"] == "circuit_open"
    assert not service.calls


async def test_work_that_waits_is_taken_with_a_warning(
    system: System, operator: BreakerStore, service: Service
) -> None:
    async with peer(system.server.socket_url) as client, httpx.AsyncClient(base_url=system.server.url) as http:
        ack = await client.submit("pay", {"url": service.url})
        assert ack["degraded"] is None
        await client.until(ack["token"])
        await operator.open("payments")
        tokens = []
        with anyio.fail_after(scaled(30)):
            while (ack := await client.submit("pay", {"url": service.url})).get("degraded") is None:
                tokens.append(ack["token"])
        assert ack["degraded"] == "circuit_open"
        posted = await http.post("/v1/jobs", json={"kind": "pay", "input": {"url": service.url}})
        assert (posted.status_code, posted.json()["degraded"]) == (202, "circuit_open")
        plain = await http.post("/v1/jobs", json={"kind": "careful", "input": {"url": service.url}})
        assert plain.json()["degraded"] is None
        await operator.close("payments")
    await outcomes(system.server.url, [ack["token"], *tokens])


async def test_a_server_that_comes_later_knows_what_was_open_before(
    system: System, operator: BreakerStore, service: Service
) -> None:
    await operator.open("payments")
    server = system.add_server()
    async with peer(server.socket_url) as client:
        with anyio.fail_after(scaled(30)):
            while (await client.submit("pay", {"url": service.url})).get("degraded") != "circuit_open":
                pass


async def test_a_rejection_is_no_failure_of_the_service(
    system: System, operator: BreakerStore, service: Service
) -> None:
    add_worker(system)
    async with peer(system.server.socket_url) as client:
        for _ in range(3):
            assert (await client.run("decline"))[-1]["data"]["problem"]["code"] == "rejected"
    shown = await until(operator, "charges", "closed")
    with anyio.fail_after(scaled(30)):
        while shown.machine.totals != (3, 0, 0):
            shown = await until(operator, "charges", "closed")
