"""The audit log keeps what operators did, however often callers are refused."""

import asyncio
from typing import Any

import httpx
import pytest

from support.credential import bearer, token
from support.store import StoreProcess
from support.system import System
from tidings.store.admin import audit_log
from tidings.store.admin.audit_log import AuditEntry, AuditLog, AuditStream
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_server.admin.refusal_limit import CALLER_LIMIT, MAX_CALLERS, TOTAL_LIMIT, RefusalLimit


def entry(stream: AuditStream = AuditStream.ACT, who: str = "root", detail: str = "") -> AuditEntry:
    outcome = "done" if stream is AuditStream.ACT else "forbidden"
    return AuditEntry(who, "127.0.0.1", "pause", "default", detail, outcome, stream=stream)


@pytest.mark.parametrize("stream", [AuditStream.IDLE, AuditStream.STRANGER])
async def test_no_number_of_refusals_makes_an_act_leave(
    store_process: StoreProcess, monkeypatch: pytest.MonkeyPatch, stream: AuditStream
) -> None:
    monkeypatch.setattr(audit_log, "MAX_ENTRIES", dict.fromkeys(AuditStream, 50))
    async with open_store(store_process.url) as store:
        log = AuditLog(store, StoreKeys(f"audit-{stream}"))
        await log.write(entry(detail="kept"))
        await asyncio.gather(*(log.write(entry(stream, "mallory")) for _ in range(500)))
        found = await log.page("", 1_000)
    assert found[-1].detail == "kept"
    assert len(found) < 300  # and the refusals are trimmed


async def test_pages_of_any_size_hold_every_entry_once_the_newest_first(store_process: StoreProcess) -> None:
    async with open_store(store_process.url) as store:
        log = AuditLog(store, StoreKeys("audit-pages"))
        shelves = [list(AuditStream)[number * number % 3] for number in range(40)]
        await asyncio.gather(*(log.write(entry(stream, str(number))) for number, stream in enumerate(shelves)))
        # Entries of one id in two streams: a page may end between them.
        streams = ("audit", "audit-idle", "audit-strangers")
        for stream in streams:
            fields = ("who", stream, "action", "a", "target", "", "detail", "", "outcome", "done")
            await store.execute_command("XADD", f"audit-pages:{{registry}}:{stream}", "9999999999999-1", *fields)
        for size in (1, 2, 7):
            cursor, found = "", list[AuditEntry]()
            while page := await log.page(cursor, size):
                found += page
                cursor = page[-1].cursor
            assert sorted(one.who for one in found) == sorted(
                [*map(str, range(40)), "audit", "audit-idle", "audit-strangers"]
            )
            assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)


def test_of_one_caller_some_refusals_are_recorded_and_the_others_counted() -> None:
    now = 0.0
    refusals = RefusalLimit(lambda: now)
    burst = int(CALLER_LIMIT[1])
    answers = [refusals.admit(entry(AuditStream.STRANGER, "mallory")) for _ in range(1_000)]
    assert answers == [0] * burst + [None] * (1_000 - burst)
    assert refusals.admit(entry(AuditStream.STRANGER, "mike")) == 0
    now += 1 / CALLER_LIMIT[0]
    assert refusals.admit(entry(AuditStream.STRANGER, "mallory")) == 1_000 - burst


def test_many_callers_are_bounded_together_and_leave_room_for_operators() -> None:
    refusals = RefusalLimit(lambda: 0.0)
    answers = [refusals.admit(entry(AuditStream.STRANGER, str(number))) for number in range(2 * MAX_CALLERS)]
    assert sum(answer is not None for answer in answers) == TOTAL_LIMIT[1]
    assert refusals.admit(entry(AuditStream.IDLE, "root")) == 0
    assert len(refusals._callers) <= MAX_CALLERS


async def lines_of(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await admin.get("/v1/admin/audit", params={"limit": 500})).json()["entries"]
    return entries


async def test_a_caller_who_is_refused_again_and_again_fills_neither_the_log_nor_the_lines(
    system: System, admin: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    await admin.put("/v1/admin/objectives", json={})
    mallory = bearer(token("mallory of the flood", "submit"))
    for _ in range(60):
        answer = await alice.post("/v1/admin/dead/drop", headers=mallory, json={"tokens": []})
        assert answer.status_code == 403
    lines = await lines_of(admin)
    of_mallory = [line for line in lines if line["who"] == "mallory of the flood"]
    assert CALLER_LIMIT[1] <= len(of_mallory) < 40
    assert any(line["action"] == "objectives" and line["outcome"] == "done" for line in lines)
    assert system.server.text().count("mallory of the flood") == len(of_mallory)


async def test_a_dry_run_leaves_no_entry_and_an_act_does(admin: httpx.AsyncClient) -> None:
    before = len(await lines_of(admin))
    for action in ("drop", "replay"):
        answer = await admin.post(f"/v1/admin/dead/{action}", json={"filter": {}, "dry_run": True})
        assert answer.json()["dry_run"] is True
    assert len(await lines_of(admin)) == before
    await admin.post("/v1/admin/dead/drop", json={"filter": {"kind": "none such"}})
    assert (await lines_of(admin))[0]["action"] == "drop"
