"""Jobs searched over HTTP: each found once however they are paged, with bounded work for each page."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from support.store import StoreProcess, running_store
from support.system import System, running_system
from support.timeouts import scaled
from tidings import SubmitOptions, SyncClient
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import new_token
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store, command, open_store
from tidings.store.registry import Registry

KEYS = StoreKeys()
NASTY = "<img src=x onerror=alert(1)> \"'`${x}"
RAW = msgspec.Raw(b"{}")
ENDED, WAITING = 100_000, 10_000


async def pages(admin: httpx.AsyncClient, **query: Any) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    while True:
        answer = await admin.get("/v1/admin/jobs", params=query)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["jobs"])
        query["cursor"] = answer.json()["cursor"]
        if query["cursor"] is None:
            return found


async def test_a_job_is_found_while_it_lives_and_when_it_has_ended(
    admin: httpx.AsyncClient, alice: httpx.AsyncClient, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    running = {"kind": "wait_for_file", "input": {"path": str(go)}, "correlation_id": NASTY}
    token = (await alice.post("/v1/jobs", json=running, headers={"prefer": ""})).json()["token"]
    later = {"kind": "noop", "input": {}, "delay": 600}
    delayed = (await alice.post("/v1/jobs", json=later, headers={"prefer": ""})).json()["token"]
    ended = (await alice.post("/v1/jobs", json={"kind": "noop", "input": {}})).json()["token"]
    tokens = [job["token"] for page in await pages(admin, limit=1) for job in page]
    assert sorted(tokens) == sorted([token, delayed, ended])
    assert tokens[-1] == ended
    ((found,),) = await pages(admin, correlation_id=NASTY)
    assert (found["token"], found["correlation_id"], found["finished"]) == (token, NASTY, None)
    ((scheduled,),) = await pages(admin, state="scheduled")
    assert scheduled["token"] == delayed
    ((over,),) = await pages(admin, state="succeeded")
    assert (over["token"], over["queue"], over["tier"], over["attempt"]) == (ended, "default", "standard", 1)
    assert over["worker"]
    ((one,),) = await pages(admin, token=ended)
    assert one == over | {"worker": None}  # which the record does not name any more
    assert await pages(admin, token=ended, state="queued") == [[]]
    assert await pages(admin, until="2001-01-01T00:00:00Z") == [[]]
    go.touch()
    await admin.post(f"/v1/admin/jobs/{delayed}/cancel")


async def test_the_series_and_the_overview_tell_what_ended(admin: httpx.AsyncClient, alice: httpx.AsyncClient) -> None:
    for kind in ("steps", "raises", "steps"):
        await alice.post("/v1/jobs", json={"kind": kind, "input": {}})
    told = (await admin.get("/v1/admin/series", params={"minutes": 5, "kind": "steps"})).json()
    assert sum(point["count"] for point in told["points"]) == 2
    assert sum(sum(point["cells"]) for point in told["points"]) == 2
    lines = {line["kind"]: line for line in (await admin.get("/v1/admin/overview")).json()["latency"]}
    assert (lines["raises"]["count"], lines["raises"]["failed"]) == (1, 1)
    assert lines["steps"]["total"]["p99"] >= lines["steps"]["run"]["p50"] >= 0
    assert lines[""]["count"] >= 3


@pytest.mark.parametrize(
    "query",
    [
        {"state": "dead"},
        {"since": "yesterday"},
        {"until": "2026-01-01T00:00:00"},
        {"cursor": "[1"},
        {"cursor": '[0,"(+"]'},
        {"cursor": '[-2,""]'},
        {"queue": "Not A Queue"},
        {"limit": "501"},
    ],
)
async def test_a_search_out_of_bounds_is_refused_with_the_field(
    admin: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await admin.get("/v1/admin/jobs", params=query)
    assert (answer.status_code, answer.json()["field"]) == (400, f"/{next(iter(query))}")


@pytest.fixture(scope="module")
def full() -> Iterator[StoreProcess]:
    with running_store() as process:
        yield process


@pytest.fixture
async def store(full: StoreProcess) -> AsyncIterator[Store]:
    """A store with many jobs that wait, and a chronicle of many that have ended."""
    store = open_store(full.url)
    await Registry(store, KEYS).register([KindRecord(kind="k", queue="p", input=RAW, result=RAW)])
    async with JobStore(
        store, KEYS, "g", JobStoreOptions(max_backlog=WAITING, max_backlog_per_caller=WAITING)
    ) as gateway:
        answers = [
            gateway.submit("p", NewJob(new_token("p").id, "k", "standard", "[]", watch=0, caller="c"))
            for _ in range(WAITING)
        ]
        assert {(await answer).answer for answer in answers} == {"new"}
    story = "succeeded\x1fstandard\x1fk\x1f1\x1f1700000000000\x1f1700000000000\x1f1700000000100\x1f\x1fw"
    for first in range(0, ENDED, 1000):
        jobs = [f"{number:022}\x1f{story}" for number in range(first, first + 1000)]
        fields = ("at", 1_700_000_001_000 + first, "jobs", msgspec.msgpack.encode(jobs))
        await command(store, "XADD", KEYS.chronicle("p"), f"{first + 1000}-0", *fields)
    yield store
    await store.aclose()


async def test_paging_through_many_asks_the_store_little_for_each_page(store: Store, full: StoreProcess) -> None:
    system = System(full)
    try:
        server = system.add_server(TIDINGS_CHRONICLE=str(ENDED))
        async with httpx.AsyncClient(base_url=server.url, timeout=scaled(60)) as admin:
            await admin.get("/v1/admin/series")  # which reads the chronicle
            before = await calls(store)
            found = await pages(admin, limit=500, queue="p")
            asked = await calls(store) - before
            tokens = [job["token"] for page in found for job in page]
            assert len(tokens) == len(set(tokens)) == WAITING + ENDED
            assert asked <= 3 * len(found) + 40  # and 17 places in which jobs may lie
            before = await calls(store)
            rare = (await admin.get("/v1/admin/jobs", params={"kind": "rare"})).json()
            # 20 calls, in each of which 200 entries are read by 4, 8, 16, …
            assert await calls(store) - before <= 20 * (1 + 7)
            assert (rare["jobs"], rare["cursor"] is not None, rare["incomplete"]) == ([], True, True)
    finally:
        system.close()


RUNNING, BEHIND = 10, 5_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server where ten jobs run while many others wait in their queue, and one is scheduled; its address."""
    never = str(tmp_path_factory.mktemp("crowded") / "never")

    async def wait_behind(url: str) -> None:
        store = open_store(url)
        async with JobStore(
            store, KEYS, "g", JobStoreOptions(max_backlog=2 * BEHIND, max_backlog_per_caller=2 * BEHIND)
        ) as gateway:
            new = (
                NewJob(new_token("default").id, "noop", "standard", "[]", watch=0, caller=f"c{n}")
                for n in range(BEHIND)
            )
            answers = [gateway.submit("default", one) for one in new]
            assert {(await answer).answer for answer in answers} == {"new"}
        await store.aclose()

    with running_system(TIDINGS_SLOTS=str(RUNNING)) as system:
        with SyncClient(system.server.url) as client:
            for _ in range(RUNNING):
                handle = client.submit("wait_for_file", path=never)
                next(event for event in handle if event.name == "started")
            client.submit("noop", options=SubmitOptions(delay=600, watch=False))
        anyio.run(wait_behind, system.store.url)
        yield system.server.url


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "running"}, RUNNING),
        ({"state": "running", "kind": "wait_for_file"}, RUNNING),
        ({"state": "running", "kind": "noop"}, 0),
        ({"state": "scheduled"}, 1),
        ({"state": "waiting"}, 0),
        ({"state": "succeeded"}, 0),
    ],
)
async def test_few_among_many_are_all_on_the_first_page(crowded: str, query: dict[str, str], found: int) -> None:
    async with httpx.AsyncClient(base_url=crowded, timeout=scaled(60)) as admin:
        answer = (await admin.get("/v1/admin/jobs", params=query)).json()
    assert (len(answer["jobs"]), answer["cursor"], answer["incomplete"]) == (found, None, False)


async def test_a_page_is_short_only_at_the_end_or_where_it_says_that_it_is_incomplete(crowded: str) -> None:
    async with httpx.AsyncClient(base_url=crowded, timeout=scaled(60)) as admin:
        for kind, many in (("noop", BEHIND + 1), ("wait_for_file", RUNNING), ("no_such", 0)):
            seen: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                query: dict[str, str | int] = {"kind": kind, "limit": 400, "cursor": cursor}
                answer = (await admin.get("/v1/admin/jobs", params=query)).json()
                seen += (job["token"] for job in answer["jobs"])
                cursor = answer["cursor"]
                assert answer["incomplete"] == (cursor is not None and len(answer["jobs"]) < 400)
            assert len(seen) == len(set(seen)) == many


async def calls(store: Store) -> int:
    """Return how many reads of lists and streams the store has been asked for."""
    stats = await store.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("fcall", "xrange", "xrevrange"))
