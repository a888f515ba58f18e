"""Traces of jobs, as a collector gets them from real processes."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from support.credential import JWT_SERVER, bearer, token
from support.handlers import trace_kinds
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled
from support.waiting import until_async
from tidings import Client, Job, SubmitOptions

from .receiver import SPANS_TIMEOUT_S, Receiver, running_receiver
from .traced_system import traced_system

KIND_NAMES = [one.kind for one in vars(trace_kinds).values() if isinstance(one, Job)]
ABOVE = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def system(receiver: Receiver) -> Iterator[System]:
    with traced_system(receiver.url) as system:
        yield system


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client


@pytest.fixture
def trace_id() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def traceparent(trace_id: str) -> str:
    return f"00-{trace_id}-{ABOVE}-01"


async def trace_of(client: Peer, kind: str, input: dict[str, Any] | None = None) -> str:
    """Run a job that brings no trace along, and return the trace in which it was."""
    ack = await client.submit(kind, input)
    await client.until(ack["token"])
    found: str = (await client.ask("watch", token=ack["token"]))["trace_id"]
    return found


async def test_a_job_is_submitted_processed_and_notified(client: Peer, receiver: Receiver) -> None:
    trace_id = await trace_of(client, "plain")
    await receiver.until(
        trace_id,
        """
    submit plain
      process plain
      notify plain
    """,
    )
    submit, process, notify = (receiver.named(trace_id, f"{name} plain") for name in ("submit", "process", "notify"))
    assert (submit.service, submit.kind) == ("tidings-server", "producer")
    assert (process.service, process.kind) == ("tidings-worker", "consumer")
    assert (notify.service, notify.kind) == ("tidings-server", "producer")
    assert process.links == (submit.span_id,)
    token = submit.attributes["messaging.message.id"]
    for span, type_ in ((submit, "send"), (process, "process"), (notify, "send")):
        assert span.attributes["messaging.system"] == "tidings"
        assert span.attributes["messaging.operation.type"] == type_
        assert span.attributes["messaging.operation.name"] == span.name.split()[0]
        assert span.attributes["messaging.destination.name"] == "default"
        assert span.attributes["messaging.message.id"] == token
        assert span.attributes["messaging.message.conversation_id"] == token
    assert (process.attributes["tidings.attempt"], process.attributes["tidings.outcome"]) == (1, "succeeded")


async def test_spans_say_whose_job_it_is_and_with_which_tags(system: System, receiver: Receiver) -> None:
    environment = {
        "TIDINGS_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    server = system.add_server(token(), **environment, **JWT_SERVER)
    async with peer(server.socket_url, additional_headers=bearer(token("alice"))) as client:
        ack = await client.submit("plain", tags=["order-7", "blue"])
        await client.until(ack["token"])
        trace_id = (await client.ask("watch", token=ack["token"]))["trace_id"]
    await receiver.until(
        trace_id,
        """
    submit plain
      process plain
      notify plain
    """,
    )
    for name in ("submit plain", "process plain"):
        attributes = receiver.named(trace_id, name).attributes
        assert (attributes["enduser.id"], attributes["tidings.tags"]) == ("alice", "order-7 blue")


async def test_a_trace_that_a_client_began_is_continued(
    client: Peer, receiver: Receiver, trace_id: str, traceparent: str
) -> None:
    ack = await client.submit("plain", traceparent=traceparent, tracestate="vendor=1")
    end = (await client.until(ack["token"]))[-1]
    await receiver.until(
        trace_id,
        """
    submit plain
      process plain
      notify plain
    """,
    )
    submit, process = receiver.named(trace_id, "submit plain"), receiver.named(trace_id, "process plain")
    assert (submit.parent_id, submit.state, process.state) == (ABOVE, "vendor=1", "vendor=1")
    assert end["data"]["result"].split("-")[1:3] == [trace_id, process.span_id]


async def test_a_header_begins_it_over_http_and_the_answer_that_waits_ends_it(
    system: System, receiver: Receiver, trace_id: str, traceparent: str
) -> None:
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        headers = {"traceparent": traceparent, "prefer": "wait=10"}
        answer = await http.post("/v1/jobs", json={"kind": "plain", "input": {}}, headers=headers)
        assert answer.status_code == 200
    await receiver.until(
        trace_id,
        """
    submit plain
      process plain
      notify plain
    """,
    )


async def test_a_stream_that_comes_later_ends_it_too(
    system: System, client: Peer, receiver: Receiver, trace_id: str, traceparent: str
) -> None:
    ack = await client.submit("plain", traceparent=traceparent, watch=False, delay=0.3)
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        answer = await http.get(f"/v1/jobs/{ack['token']}/events")
        assert "event: succeeded" in answer.text
    await receiver.until(
        trace_id,
        """
    submit plain
      process plain
      notify plain
    """,
    )


async def test_each_attempt_has_its_span(client: Peer, receiver: Receiver) -> None:
    trace_id = await trace_of(client, "flaky")
    await receiver.until(
        trace_id,
        """
    submit flaky
      process flaky !
      process flaky
      notify flaky
    """,
    )
    first, second = (span for span in receiver.of(trace_id) if span.name == "process flaky")
    assert (first.attributes["error.type"], first.attributes["tidings.outcome"]) == ("Retry", "scheduled")
    assert second.attributes["tidings.attempt"] == 2


async def test_a_job_that_fails_says_with_which_error(client: Peer, receiver: Receiver) -> None:
    trace_id = await trace_of(client, "broken")
    await receiver.until(
        trace_id,
        """
    submit broken
      process broken !
      notify broken
    """,
    )
    assert receiver.named(trace_id, "process broken").attributes["error.type"] == "ValueError"


async def test_a_saga_is_one_trace_with_its_steps_and_children(client: Peer, receiver: Receiver) -> None:
    trace_id = await trace_of(client, "order")
    await receiver.until(
        trace_id,
        """
    submit order
      process order
        step reserve !
        step reserve
        submit ship
          process ship
      process order
      notify order
    """,
    )
    ship = receiver.named(trace_id, "process ship")
    assert ship.attributes["messaging.destination.name"] == "shipping"
    root = receiver.named(trace_id, "submit order").attributes["messaging.message.id"]
    assert ship.attributes["messaging.message.conversation_id"] == root


async def test_what_undoes_a_saga_stands_in_its_trace(client: Peer, receiver: Receiver) -> None:
    trace_id = await trace_of(client, "order", {"sold_out": True})
    await receiver.until(
        trace_id,
        """
    submit order
      process order
        step reserve !
        step reserve
        submit ship
          process ship
      process order !
      process order
        submit recall
          process recall
      process order !
        undo release
      notify order
    """,
    )


@pytest.mark.parametrize("kind", ["spanning", "spanning_in_thread"])
async def test_spans_of_handlers_stand_below_their_attempt(client: Peer, receiver: Receiver, kind: str) -> None:
    trace_id = await trace_of(client, kind)
    await receiver.until(
        trace_id,
        f"""
    submit {kind}
      process {kind}
        theirs
      notify {kind}
    """,
    )


async def test_a_handler_in_a_process_knows_its_trace(
    client: Peer, receiver: Receiver, trace_id: str, traceparent: str
) -> None:
    ack = await client.submit("apart", traceparent=traceparent)
    end = (await client.until(ack["token"]))[-1]
    await receiver.until(
        trace_id,
        """
    submit apart
      process apart
      notify apart
    """,
    )
    told, present = end["data"]["result"]
    assert told == present
    assert told.split("-")[1:3] == [trace_id, receiver.named(trace_id, "process apart").span_id]


async def test_a_trace_begins_with_the_tick_of_a_recurring_job(receiver: Receiver) -> None:
    ticks = await until_async(
        lambda: [span for span in receiver.spans if span.name == "process tick"], seconds=SPANS_TIMEOUT_S
    )
    assert (ticks[0].parent_id, ticks[0].links) == ("", ())
    await receiver.until(ticks[0].trace_id, "\n    process tick")


async def test_a_program_with_a_provider_of_its_own_sends_them_its_own_way(
    system: System, client: Peer, receiver: Receiver, trace_id: str, traceparent: str
) -> None:
    # Not imported: it sets the tracer provider of its process, so all later tests of this one would send spans.
    kinds = str(Path(str(trace_kinds.__file__)).with_name("hosted_kinds.py"))
    system.add_worker(kinds, TIDINGS_TRACES="global", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    system.server.wait_until_ready(kinds=len(KIND_NAMES) + 1)
    await client.run("hosted", traceparent=traceparent)
    await receiver.until(
        trace_id,
        """
    submit hosted
      process hosted
      notify hosted
    """,
    )
    assert receiver.named(trace_id, "process hosted").service == "host"


async def test_the_header_of_a_batch_is_for_all_that_bring_none(
    system: System, client: Peer, trace_id: str, traceparent: str
) -> None:
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        jobs = [{"kind": "plain", "input": {}}, {"kind": "plain", "input": {}, "traceparent": traceparent}]
        headers = {"traceparent": f"00-{trace_id[::-1]}-{ABOVE}-01"}
        acks = (await http.post("/v1/jobs/batch", json=jobs, headers=headers)).json()
    found = [(await client.ask("watch", token=ack["token"]))["trace_id"] for ack in acks]
    assert found == [trace_id[::-1], trace_id]


async def test_the_python_client_brings_the_present_span_along(
    system: System, receiver: Receiver, trace_id: str
) -> None:
    above = SpanContext(int(trace_id, 16), int(ABOVE, 16), is_remote=False, trace_flags=TraceFlags(1))
    async with Client(system.server.url) as client:
        with trace.use_span(NonRecordingSpan(above)):
            handle = await client.submit("plain")
        await handle.result()
        options = SubmitOptions(traceparent=f"00-{trace_id[::-1]}-{ABOVE}-01")
        with trace.use_span(NonRecordingSpan(above)):
            await (await client.submit("plain", options=options)).result()
    for known in (trace_id, trace_id[::-1]):
        await receiver.until(
            known,
            """
    submit plain
      process plain
      notify plain
    """,
        )
    assert receiver.named(trace_id, "submit plain").parent_id == ABOVE


async def test_a_client_decides_whether_its_trace_is_collected(
    system: System, receiver: Receiver, trace_id: str, traceparent: str
) -> None:
    """On a server that begins none itself."""
    never = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    environment = {"TIDINGS_TRACES": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    server = system.add_server(**environment, **never, OTEL_BSP_SCHEDULE_DELAY="50")
    async with peer(server.socket_url) as client:
        untold = await client.submit("plain")
        assert (await client.until(untold["token"]))[-1]["data"]["result"] == ""
        unwanted = await client.submit("plain", traceparent=f"00-{trace_id[::-1]}-{ABOVE}-00")
        said = (await client.until(unwanted["token"]))[-1]["data"]["result"]
        assert said == f"00-{trace_id[::-1]}-{ABOVE}-00"
        wanted = await client.submit("plain", traceparent=traceparent)
        await client.until(wanted["token"])
    await receiver.until(
        trace_id,
        """
    submit plain
      process plain
      notify plain
    """,
    )
    tokens = {span.attributes.get("messaging.message.id") for span in receiver.spans}
    assert wanted["token"] in tokens
    assert not {untold["token"], unwanted["token"]} & tokens
