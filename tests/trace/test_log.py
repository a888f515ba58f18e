"""Whatever is written to the log while a job runs says whose line it is."""

import json
from typing import Any

import httpx
import pytest

from support.peer import Peer
from support.system import Process, System
from support.waiting import until_async

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
LINE_TIMEOUT_S = 15.0


async def lines_of(process: Process, token: str, *events: str) -> dict[str, dict[str, Any]]:
    """Return lines about a job, by what they say; waits until they are there."""

    def said() -> dict[str, dict[str, Any]]:
        lines = [json.loads(line) for line in process.text().splitlines()]
        return {line["event"]: line for line in lines if line.get("token") == token}

    return await until_async(
        said, lambda found: found.keys() >= set(events), seconds=LINE_TIMEOUT_S, shown=process.text
    )


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        ("speak", ["in the loop", "in a task", "in a thread of its own", "with_structlog"]),
        ("speak_in_thread", ["in a thread"]),
        ("speak_in_process", ["in a process"]),
        ("speak_in_steps", ["in a step"]),
    ],
)
async def test_lines_of_a_handler_name_its_job(client: Peer, system: System, kind: str, events: list[str]) -> None:
    ack = await client.submit(kind, correlation_id="order 7", traceparent=TRACEPARENT)
    await client.until(ack["token"])
    found = await lines_of(system.workers[0], ack["token"], *events)
    for event in events:
        line = found[event]
        assert (line["kind"], line["attempt"]) == (kind, 1)
        assert (line["correlation_id"], line["trace_id"]) == ("order 7", TRACE)


async def test_lines_of_an_attempt_that_fails_name_it_and_show_no_values(client: Peer, system: System) -> None:
    ack = await client.submit("stumble", {"password": "open sesame"}, traceparent=TRACEPARENT)
    events = await client.until(ack["token"])
    assert events[-1]["event"] == "succeeded"
    found = await lines_of(system.workers[0], ack["token"], "attempt_failed", "stumbled")
    failed = found["attempt_failed"]
    assert (failed["kind"], failed["attempt"], failed["trace_id"]) == ("stumble", 1, TRACE)
    assert failed["correlation_id"] == ack["token"]
    stumbled = found["stumbled"]
    assert stumbled["attempt"] == 2
    assert stumbled["exception"][0]["exc_value"] == "11 characters are too few"
    assert "SESAME" not in system.workers[0].text()
    assert "sesame" not in system.workers[0].text()


async def test_jobs_that_run_beside_each_other_keep_their_lines_apart(client: Peer, system: System) -> None:
    refs = [await client.send("submit", kind="speak", input={}, correlation_id=f"c{n}") for n in range(20)]
    tokens: dict[int, str] = {}
    ended: set[str] = set()
    while len(ended) < len(refs):
        frame = await client.receive()
        if frame["type"] == "ack":
            tokens[frame["ref"]] = frame["token"]
        elif frame["event"] == "succeeded":
            ended.add(frame["token"])
    for n, ref in enumerate(refs):
        found = await lines_of(system.workers[0], tokens[ref], "with_structlog")
        assert {line["correlation_id"] for line in found.values()} == {f"c{n}"}


async def test_where_no_correlation_id_is_given_the_token_is_and_children_have_their_parents(client: Peer) -> None:
    ack = await client.submit("name_in_thread")
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == ack["token"]
    ack = await client.submit("call_by_name")
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == ack["token"]
    snapshot = await client.ask("watch", token=ack["token"])
    assert snapshot["correlation_id"] == ack["token"]
    assert "trace_id" not in snapshot


async def test_a_snapshot_says_correlation_and_trace(client: Peer) -> None:
    ack = await client.submit("name_in_thread", correlation_id="order 7", traceparent=TRACEPARENT)
    await client.until(ack["token"])
    snapshot = await client.ask("watch", token=ack["token"])
    assert (snapshot["correlation_id"], snapshot["trace_id"]) == ("order 7", TRACE)


@pytest.mark.parametrize("id_", ["two\nlines", "a\tb", "\x1b[31m", "é", "", "x" * 257])
async def test_a_correlation_id_that_would_spoil_a_line_is_refused(client: Peer, id_: str) -> None:
    refused = (await client.submit("speak", correlation_id=id_))["problem"]
    assert (refused["code"], refused["field"]) == ("invalid_frame", "/correlation_id")
    assert refused["detail"] == "a correlation id has 1 to 256 printable ASCII characters"


@pytest.mark.parametrize(
    "traceparent", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", f"ff-{TRACE}-b7ad6b7169203331-01", "é" * 300]
)
async def test_a_broken_traceparent_is_as_none(client: Peer, system: System, traceparent: str) -> None:
    ack = await client.submit("name_in_thread", traceparent=traceparent, tracestate="a=b")
    assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"
    assert "trace_id" not in await client.ask("watch", token=ack["token"])
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        header = {b"traceparent": traceparent.encode()}
        answer = await http.post("/v1/jobs", json={"kind": "name_in_thread", "input": {}}, headers=header)
        assert answer.status_code == 202


async def test_a_header_begins_the_trace_too(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        headers = {"traceparent": TRACEPARENT}
        answer = await http.post("/v1/jobs", json={"kind": "name_in_thread", "input": {}}, headers=headers)
        snapshot = (await http.get(answer.headers["location"])).json()
        assert snapshot["trace_id"] == TRACE
        answer = await http.post("/v1/jobs", json={"kind": "none_such", "input": {}}, headers=headers)
        assert (answer.status_code, answer.json()["trace_id"]) == (404, TRACE)


async def test_problems_say_which_trace_they_belong_to(client: Peer) -> None:
    refused = (await client.submit("none_such", traceparent=TRACEPARENT))["problem"]
    assert refused["trace_id"] == TRACE
    ack = await client.submit("stumble", {"password": "open sesame"}, traceparent=TRACEPARENT)
    events = await client.until(ack["token"], "retrying")
    assert events[-1]["data"]["problem"]["trace_id"] == TRACE
    ack = await client.submit("give_up", traceparent=TRACEPARENT)
    problem = (await client.until(ack["token"]))[-1]["data"]["problem"]
    assert (problem["code"], problem["trace_id"]) == ("rejected", TRACE)
    assert (await client.ask("watch", token=ack["token"]))["problem"] == problem
