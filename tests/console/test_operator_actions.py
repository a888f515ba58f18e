"""Every act of an operator leaves one entry in the audit log, by whichever way the operator acts."""

import getpass
import socket
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from console.test_acts import tidings
from dead.world import World
from support.store import StoreProcess
from support.system import System
from tidings.protocol.frames.admin_messages import BreakerOrder, LetterChoice, LetterFilter
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.admin.audit_log import AuditEntry, AuditLog, AuditStream
from tidings.store.admin.operator_actions import LetterAction, Operator, OperatorActions
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.availability.store_errors import StoreUnavailableError, StoreUnconfirmedError
from tidings.store.jobs.job_store import JobStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.registry import Registry
from tidings_cli.operate import local_operator

RAW = msgspec.Raw(b"{}")


async def audit(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await admin.get("/v1/admin/audit", params={"limit": 500})).json()["entries"]
    return entries


@pytest.mark.parametrize(
    ("arguments", "action", "target", "detail"),
    [
        (["pause", "default"], "pause", "default", ""),
        (["resume", "default"], "resume", "default", ""),
        (["resume", "never-paused"], "resume", "never-paused", ""),  # nothing to do: kept among the refusals
        (["breaker", "open", "shop", "--for", "1m"], "breaker", "shop", '{"state":"open","seconds":60.0}'),
        (["breaker", "open", "shop"], "breaker", "shop", '{"state":"open"}'),
        (["breaker", "close", "shop"], "breaker", "shop", '{"state":"auto"}'),
        (["breaker", "close", "shop", "--for", "5"], "breaker", "shop", '{"state":"closed","seconds":5.0}'),
        (["breaker", "reset", "shop"], "breaker", "shop", '{"state":"reset"}'),
        (["kinds", "remove", "ghost"], "remove_kinds", "ghost", ""),
    ],
)
async def test_each_act_of_the_command_line_leaves_one_entry_that_the_server_shows(
    system: System, admin: httpx.AsyncClient, arguments: list[str], action: str, target: str, detail: str
) -> None:
    async with open_store(system.store.url) as store:
        ghost = KindRecord(kind="ghost", queue="default", input=RAW, result=RAW, breaker="shop")
        await Registry(store, StoreKeys()).register([ghost])
    before = len(await audit(admin))
    done = await anyio.to_thread.run_sync(tidings, system, *arguments)
    assert done.returncode == 0, done.stderr
    entries = await audit(admin)
    assert len(entries) == before + 1
    host = socket.gethostname()
    told = {name: entries[0][name] for name in ("who", "address", "action", "target", "detail", "outcome")}
    assert told == {
        "who": f"{getpass.getuser()}@{host}",
        "address": host,
        "action": action,
        "target": target,
        "detail": detail,
        "outcome": "done",
    }


async def test_a_command_that_is_refused_or_only_says_what_it_would_do_leaves_none(
    system: System, admin: httpx.AsyncClient
) -> None:
    before = len(await audit(admin))
    for arguments in (["pause", "no-such-queue"], ["breaker", "open", "none"], ["dead", "drop", "--all"], ["status"]):
        await anyio.to_thread.run_sync(tidings, system, *arguments)
    assert len(await audit(admin)) == before


async def test_the_same_act_by_both_ways_leaves_the_same_entry(system: System, admin: httpx.AsyncClient) -> None:
    await admin.post("/v1/admin/dead/drop", json={"filter": {"kind": "none such"}, "dry_run": False})
    await anyio.to_thread.run_sync(tidings, system, "pause", "default")
    by_command = (await audit(admin))[0]
    await anyio.to_thread.run_sync(tidings, system, "resume", "default")
    await admin.post("/v1/admin/queues/default/pause")
    by_http = (await audit(admin))[0]
    await admin.post("/v1/admin/queues/default/resume")
    assert [one["who"] for one in (by_command, by_http)] == [f"{getpass.getuser()}@{socket.gethostname()}", "root"]
    for name in ("action", "target", "detail", "outcome", "unrecorded"):
        assert by_command[name] == by_http[name]


class Written:
    """The entries of acts, in a list."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def write(self, entry: AuditEntry) -> None:
        """Keep an entry."""
        self.entries.append(entry)


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
async def store(store_process: StoreProcess) -> AsyncIterator[Redis]:
    async with open_store(store_process.url) as store:
        await store.flushall()
        yield store


@pytest.fixture
def actions(store: Redis, written: Written) -> OperatorActions:
    return OperatorActions(store, StoreKeys(), Operator("ann@desk", "desk"), written.write)


async def dead_letters(store: Redis, count: int) -> list[str]:
    """Have some jobs of the queue `p` fail; return the ids of their letters."""
    async with JobStore(store, StoreKeys(), "g") as jobs, AttemptStore(store, StoreKeys(), "p", "w") as attempts:
        await attempts.join(["standard"])
        world = World(store, jobs, [attempts, attempts])
        tokens = [await world.die() for _ in range(count)]
        return [(await world.letter(token)).entry for token in tokens]


async def test_an_act_on_letters_has_one_entry_for_all_its_batches(
    store: Redis, actions: OperatorActions, written: Written
) -> None:
    entries = await dead_letters(store, 3)
    choice = LetterChoice(filter=LetterFilter(kind="k\u2028"))
    async with actions.letters(LetterAction.REPLAY, choice) as batches:
        for entry in entries:
            assert await batches.perform("p", [entry]) == ["queued"]
    assert batches.changed == 3
    (one,) = written.entries
    assert one == AuditEntry("ann@desk", "desk", "replay", "", '{"filter":{"kind":"k\\u2028"}}', "done")
    async with actions.letters(LetterAction.DROP, choice) as batches:
        assert await batches.perform("p", entries) == ["gone"] * 3
    assert written.entries[1].stream is AuditStream.IDLE


@pytest.mark.parametrize(
    ("broken_by", "outcome"), [(StoreUnavailableError("away"), "store_unavailable"), (KeyboardInterrupt(), "done")]
)
async def test_an_act_that_breaks_off_is_recorded_if_it_changed_anything(
    store: Redis, actions: OperatorActions, written: Written, broken_by: BaseException, outcome: str
) -> None:
    entries = await dead_letters(store, 1)

    async def drop(letters: list[str]) -> None:
        async with actions.letters(LetterAction.DROP, LetterChoice(tokens=["t"])) as batches:
            await batches.perform("p", letters)
            raise broken_by

    with pytest.raises(type(broken_by)):
        await drop(["1-1"])
    assert written.entries == []
    with pytest.raises(type(broken_by)):
        await drop(entries)
    assert [(one.outcome, one.stream) for one in written.entries] == [(outcome, AuditStream.ACT)]


async def test_an_act_that_replicas_have_not_confirmed_is_recorded_as_such_although_no_batch_was_told(
    actions: OperatorActions, written: Written
) -> None:
    async def drop() -> None:
        async with actions.letters(LetterAction.DROP, LetterChoice(tokens=["t"])):
            raise StoreUnconfirmedError("too few replicas")

    with pytest.raises(StoreUnconfirmedError):
        await drop()
    assert [(one.outcome, one.stream) for one in written.entries] == [("unconfirmed", AuditStream.ACT)]


async def test_an_act_that_the_store_refuses_leaves_no_entry(written: Written) -> None:
    async with open_store("redis://127.0.0.1:1") as store:
        actions = OperatorActions(store, StoreKeys(), Operator("ann@desk", "desk"), written.write)
        with pytest.raises(StoreUnavailableError):
            await actions.hold_breaker("shop", BreakerOrder(state="open"))
    assert written.entries == []


async def test_the_names_of_a_local_operator_are_bounded_and_printable(
    store_process: StoreProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "\x1b[31m" + "u" * 5_000)
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 5_000)
    async with open_store(store_process.url) as store:
        await local_operator.operator_actions(store).resume("nothing")
        (entry, *_) = await AuditLog(store, StoreKeys()).page("", 1)
    assert entry.who.startswith("\\x1b[31muuu")
    assert len(entry.who) <= 2 * local_operator.MAX_NAME + 1
    assert entry.address == "h" * local_operator.MAX_NAME
