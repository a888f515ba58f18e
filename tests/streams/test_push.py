"""The streams of jobs on their way to clients: real servers and workers, all transports, a worker that dies."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.reader import StreamReader
from support.peer import Peer, peer
from support.stream_kinds import WORDS
from support.system import System, system_fixture
from support.timeouts import scaled

KINDS = str(Path(__file__).parents[1] / "support" / "stream_kinds.py")
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}

system = system_fixture(KINDS, servers=2, both=QUICK)


async def read(client: Peer, token: str, reader: StreamReader) -> dict[str, Any]:
    """Have a reader follow a job to its end; return the last event."""
    while True:
        frame = await client.receive()
        if frame.get("token") == token:
            reader.take(frame)
            if frame["type"] == "event" and frame["event"] in ("succeeded", "failed"):
                return frame


@pytest.mark.parametrize("kind", ["words", "words_in_thread", "words_in_process"])
async def test_a_watcher_gets_every_chunk_in_order_and_what_it_has_is_the_result(system: System, kind: str) -> None:
    async with peer(system.server.socket_url) as client:
        ack = await client.submit(kind)
        reader = StreamReader()
        reader.seq = ack["seq"]
        end = await read(client, ack["token"], reader)
        assert "".join(reader.chunks["main"]) == end["data"]["result"] == "".join(WORDS)


async def test_chunks_that_are_written_in_one_turn_leave_in_one_event(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        events = await client.run("words", {"count": 100})
    said = [event["data"] for event in events if event["event"] in ("chunk", "chunks")]
    assert len(said) < 10
    assert sum(len(data["data"]) for data in said if isinstance(data["data"], list)) >= 90


async def test_one_who_joins_elsewhere_in_the_middle_has_all_of_it(system: System, tmp_path: Path) -> None:
    first, second = system.servers
    go = tmp_path / "go"
    async with peer(first.socket_url) as one, peer(second.socket_url) as two:
        ack = await one.submit("waits_between", {"path": str(go)})
        early, late = StreamReader(), StreamReader()
        early.seq = ack["seq"]
        while len(early.chunks.get("main", ())) < 3:
            early.take(await one.receive())
        late.take(await two.ask("watch", token=ack["token"]))
        assert late.chunks == early.chunks == {"main": list(WORDS[:3])}
        resumed = StreamReader()
        resumed.seq, resumed.chunks = early.seq, {"main": list(WORDS[:3])}
        snapshot = await two.ask("watch", token=ack["token"], after=resumed.seq)
        assert snapshot["streams"] == {"main": {"attempt": 1, "from": 3, "chunks": []}}
        resumed.take(snapshot)
        go.touch()
        await read(two, ack["token"], resumed)
        await read(one, ack["token"], early)
        assert resumed.chunks == early.chunks == {"main": list(WORDS)}


@pytest.mark.parametrize("keep", [0, 3])
async def test_when_the_worker_dies_in_the_middle_nothing_comes_twice(
    system: System, tmp_path: Path, keep: int
) -> None:
    system.add_worker(KINDS, **QUICK)
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("dies", {"path": str(tmp_path / "flag"), "keep": keep})
        reader, resets = StreamReader(), []
        reader.seq = ack["seq"]
        while True:
            frame = await client.receive()
            reader.take(frame)
            assert "".join(WORDS).startswith("".join(reader.chunks.get("main", ())))
            if frame["event"] == "reset":
                resets.append(frame["data"])
            if frame["event"] == "succeeded":
                break
        assert resets == [{"stream": "main", "attempt": 2, "keep": keep}]
        assert reader.chunks == {"main": list(WORDS)}
        assert frame["data"]["result"] == "".join(WORDS)


async def test_a_snapshot_over_http_and_the_stream_of_events_hold_the_streams(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        answer = await http.post("/v1/jobs", json={"kind": "several", "input": {}}, headers={"prefer": "wait=10"})
        whole = answer.json()
        assert whole["streams"]["tokens"] == {"attempt": 1, "from": 0, "chunks": list(WORDS)}
        assert whole["streams"]["thoughts"]["chunks"] == [{"about": word} for word in WORDS]
        for after in range(whole["seq"] + 1):
            path = f"/v1/jobs/{whole['token']}"
            part = (await http.get(path, params={"after": after})).json()
            tokens = part["streams"]["tokens"]
            assert tokens["chunks"] == list(WORDS)[tokens["from"] :]
            reader = StreamReader()
            reader.seq, reader.chunks["tokens"] = after, list(WORDS[: tokens["from"]])
            reader.chunks["thoughts"] = [{"about": word} for word in WORDS[: part["streams"]["thoughts"]["from"]]]
            events = (await http.get(f"{path}/events", params={"after": after})).text
            for block in filter(None, events.split("\n\n")):
                fields = dict(line.split(": ", 1) for line in block.splitlines())
                if fields.get("event") == "snapshot":
                    reader.snapshot(json.loads(fields["data"]))
            if after < whole["seq"]:
                assert reader.chunks["tokens"] == list(WORDS)


async def test_a_writer_that_is_faster_than_the_store_waits_and_loses_nothing(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        for kind in ("fast", "fast_in_thread"):
            ack = await client.submit(kind, {"count": 20_000})
            reader = StreamReader()
            reader.seq = ack["seq"]
            end = await read(client, ack["token"], reader)
            assert end["data"] == {"result": 20_000}
            assert reader.chunks["main"] == ["0123456789"] * 20_000


async def test_a_stream_that_is_cancelled_keeps_what_was_said(system: System, tmp_path: Path) -> None:
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("cleans_up", {"path": str(tmp_path / "clean")})
        await client.until(ack["token"], "chunk")
        await client.cancel(ack["token"])
        snapshot = await client.ask("watch", token=ack["token"])
        assert (snapshot["status"], (tmp_path / "clean").read_text()) == ("cancelled", "clean")
        assert snapshot["streams"]["main"]["chunks"][0] == "x"


async def test_a_server_says_that_its_snapshots_hold_streams(system: System) -> None:
    async with peer(system.server.socket_url) as client:
        assert "snapshot.streams" in client.hello["features"]
