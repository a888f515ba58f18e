"""Breakers inside a handler, in the loop, in a thread and in a process."""

import time

import pytest

from breaker.service import Service
from breaker.test_workers import called, submit, submit_one
from breaker.watch import outcomes, until
from support.handlers.breaker_kinds import INNER, STEPS
from support.peer import peer
from support.system import System
from tidings.store.breaker_store import BreakerStore

KINDS = ["inside", "inside_thread", "inside_process"]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_called_inside_opens_the_breaker_and_a_job_that_may_not_call_comes_back(
    system: System, operator: BreakerStore, service: Service, kind: str
) -> None:
    service.failing = True
    async with peer(system.server.socket_url) as client:
        tokens = await submit(client, kind, service, INNER.min_calls)
        assert {end["status"] for end in await outcomes(system.server.url, tokens)} == {"failed"}
        shown = await until(operator, "inner", "open", "half_open")
        assert (shown.machine.spec, shown.machine.notes[-1].kind) == (INNER.spec, kind)
        assert "HTTP Error 500" in shown.machine.notes[-1].text
        await operator.open("inner")
        token = await submit_one(client, kind, service)
        events = await client.until(token, "retrying")
        assert events[-1]["data"]["problem"]["code"] == "circuit_open"
        service.failing = False
        await operator.close("inner")
        assert (await client.until(token))[-1]["data"]["result"] == 1
    await called(service, INNER.min_calls + 1)


async def test_a_handler_may_do_without_the_service(system: System, operator: BreakerStore, service: Service) -> None:
    async with peer(system.server.socket_url) as client:
        assert (await client.run("careful", {"url": service.url}))[-1]["data"]["result"] == "called"
        await operator.open("inner")
        await client.run("careful", {"url": service.url})  # it may be told of it only now
        assert (await client.run("careful", {"url": service.url}))[-1]["data"]["result"] == "inner True"


async def test_a_step_of_a_saga_that_may_not_call_waits_and_has_not_failed(
    system: System, operator: BreakerStore, service: Service
) -> None:
    opened = time.monotonic()
    await operator.open("inner", 1)
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("saga", {"url": service.url})
        assert (await client.until(ack["token"]))[-1]["data"].get("result") == "captured"
    (only,) = service.calls
    assert only.at - opened >= 1


async def test_a_job_that_is_called_as_a_step_is_called_behind_its_breaker(
    system: System, operator: BreakerStore, service: Service
) -> None:
    service.failing = True
    async with peer(system.server.socket_url) as client:
        for _ in range(STEPS.min_calls):
            assert (await client.run("saga_of_a_job", {"url": service.url}))[-1]["event"] == "failed"
        shown = await until(operator, "steps", "open")
        assert (shown.machine.notes[-1].kind, shown.machine.spec) == ("saga_of_a_job", STEPS.spec)
        service.failing = False
        ack = await client.submit("saga_of_a_job", {"url": service.url})
        await client.until(ack["token"], "waiting")  # the step has not failed
        await operator.close("steps")
    await called(service, STEPS.min_calls)
