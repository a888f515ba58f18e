"""Which record of a kind stands while workers of two releases run side by side, and how long a kind is accepted."""

from typing import Any

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

from support.stores.channels import subscribe
from tidings.protocol.kinds.kind_record import KindRecord, encode_kind
from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.kind_records import MAX_RECORD_BYTES
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command
from tidings.store.registry import KindVersions, Registry, WorkerRecord, record_digest
from tidings.store.replaced_kinds import read_replaced_kinds
from tidings_server.kinds import served_kinds as module
from tidings_server.kinds.served_kinds import ServedKinds

KEYS = StoreKeys()


def record(version: int, description: str = "", **fields: Any) -> KindRecord:
    raw = msgspec.Raw(b"{}")
    return KindRecord(kind="k", queue="p", version=version, description=description, input=raw, result=raw, **fields)


class Deployed:
    """A worker as the registry sees it."""

    def __init__(self, store: Redis, name: str, kind: KindRecord, oldest: int = 0) -> None:
        self.registry = Registry(store, KEYS)
        self.kind = kind
        self.worker = WorkerRecord(
            worker=name, host="h", pid=1, version="1", kinds=["k"], queues=["p"], slots=1,
            versions={"k": KindVersions(oldest or kind.version, kind.version, record_digest(encode_kind(kind)))},
        )  # fmt: skip

    async def beat(self) -> None:
        await self.registry.heartbeat(self.worker, 60)
        await self.registry.register([self.kind])

    async def leave(self) -> None:
        await self.registry.deregister(self.worker.worker)


async def standing(store: Redis) -> KindRecord:
    return (await Registry(store, KEYS).kinds())["k"]


async def test_the_newest_version_stands_while_a_worker_serves_it_and_no_longer(store: Redis) -> None:
    old, new = Deployed(store, "old", record(1)), Deployed(store, "new", record(2))
    await old.beat()
    await new.beat()
    async with store.pubsub() as heard:
        await subscribe(heard, store, KEYS.kinds_changed)
        for _ in range(3):
            await old.beat()
            await new.beat()
            assert (await standing(store)).version == 2
        await new.leave()
        await old.beat()  # the deploy was taken back
        assert (await standing(store)).version == 1
        said = [message for _ in range(6) if (message := await heard.get_message(timeout=0.05))]
        assert sum(message["type"].endswith("message") for message in said) == 1, "the record changed once"


async def test_of_one_version_the_record_of_the_worker_that_began_last_stands(store: Redis) -> None:
    old, new = Deployed(store, "old", record(1, "old")), Deployed(store, "new", record(1, "new"))
    for one in (old, new, old, new, old):
        await one.beat()
        if one is not old or (await standing(store)).description == "new":
            assert (await standing(store)).description == "new"
    await new.leave()
    await old.beat()
    assert (await standing(store)).description == "old"


async def test_a_record_that_a_worker_of_an_earlier_release_wrote_is_left_alone(store: Redis) -> None:
    mine = Deployed(store, "mine", record(1, "mine"))
    await mine.beat()
    before = WorkerRecord(worker="before", host="h", pid=1, version="1", kinds=["k"], queues=["p"], slots=1)
    await mine.registry.heartbeat(before, 60)
    await command(store, "HSET", KEYS.kinds, "k", encode_kind(record(1, "before")))
    await mine.beat()
    assert (await standing(store)).description == "before"


async def test_a_record_that_cannot_be_read_is_replaced(store: Redis) -> None:
    mine = Deployed(store, "mine", record(1))
    await mine.beat()
    await command(store, "HSET", KEYS.kinds, "k", b"\xff")
    await mine.beat()
    assert (await standing(store)).version == 1


async def test_a_kind_counts_as_served_only_in_a_version_that_a_worker_takes(store: Redis) -> None:
    new, serving = Deployed(store, "new", record(3), oldest=2), ServedKinds(Registry(store, KEYS))
    await new.beat()
    await serving.look()
    served = [version for version in range(1, 6) if serving.serves(record(version), "standard")]
    assert served == [2, 3]


async def test_a_server_knows_how_long_a_kind_was_not_served(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = Deployed(store, "w", record(1)), [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    await worker.beat()
    serving = ServedKinds(Registry(store, KEYS))
    await serving.look()
    await serving.remember(["k"])
    clock[0] += 50
    await serving.look()
    assert serving.unserved_s("k") == 0
    await worker.leave()
    await serving.look()
    clock[0] += 50
    await serving.look()
    assert serving.unserved_s("k") == 50
    assert serving.unserved_s("never registered") == 0
    # A server that comes later has it from the store.
    later = ServedKinds(Registry(store, KEYS))
    await command(store, "ZADD", KEYS.kinds_seen, await worker.registry.now_ms() - 90_000, "k")
    await later.look()
    await later.remember(["k"])
    assert 90 <= later.unserved_s("k") < 120
    await worker.beat()
    await later.look()
    assert later.unserved_s("k") == 0


async def test_a_worker_that_leaves_says_that_its_kinds_were_served_until_now(store: Redis) -> None:
    worker = Deployed(store, "w", record(1))
    await worker.beat()
    await command(store, "ZADD", KEYS.kinds_seen, 1, "k")
    await worker.leave()
    (seen,) = (await worker.registry.last_served(["k"])).values()
    assert await worker.registry.now_ms() - seen < 60_000


async def replaced(store: Redis) -> list[tuple[str, str]]:
    """Return the descriptions of the records before and now."""
    found = await read_replaced_kinds(store, KEYS, 10)
    assert found.total == len(found.kinds)
    return [(one.before.description, one.now.description) for one in found.kinds if one.before and one.now]


async def test_the_record_before_is_kept_with_the_time_of_the_change(store: Redis) -> None:
    first = Deployed(store, "w", record(1, "first"))
    await first.beat()
    assert await replaced(store) == []
    began = await first.registry.now_ms()
    for text in ("second", "third"):
        await Deployed(store, text, record(1, text)).beat()
    assert await replaced(store) == [("second", "third")], "one for each kind"
    (one,) = (await read_replaced_kinds(store, KEYS, 10)).kinds
    assert (one.kind, began <= one.at_ms <= await first.registry.now_ms()) == ("k", True)
    for _ in range(2):
        await Deployed(store, "again", record(1, "third")).beat()
    assert await replaced(store) == [("second", "third")], "what has not changed replaces nothing"


async def test_of_two_workers_that_register_at_once_the_second_keeps_the_record_of_the_first(store: Redis) -> None:
    await Deployed(store, "w", record(1, "old")).beat()
    one, other = (Deployed(store, text, record(1, text)) for text in ("one", "other"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.beat)
        tasks.start_soon(other.beat)
    (found,) = await replaced(store)
    assert found in [("one", "other"), ("other", "one")]


async def test_a_worker_that_registers_what_another_just_has_replaces_nothing(store: Redis) -> None:
    """Both have read the record before; the second comes to the store when the first has written."""
    await Deployed(store, "w", record(1, "old")).beat()
    write = Script("kinds_write", int)
    args = (MAX_RECORD_BYTES, "k", encode_kind(record(1, "new")).decode())
    assert [await write(store, KEYS.root(REGISTRY), args) for _ in range(2)] == [1, 0]
    assert await replaced(store) == [("old", "new")]


async def test_the_records_before_leave_with_their_kind(store: Redis) -> None:
    worker = Deployed(store, "w", record(1, "old"))
    await worker.beat()
    await Deployed(store, "x", record(1, "new")).beat()
    await worker.registry.remove(["k"])
    assert await replaced(store) == []
    assert await command(store, "EXISTS", KEYS.kinds_before, KEYS.kinds_replaced) == 0
    # A process of an earlier release removes a kind, and knows nothing of these.
    await worker.beat()
    await Deployed(store, "y", record(1, "new")).beat()
    await command(store, "HDEL", KEYS.kinds, "k")
    assert await replaced(store) == []
    assert await command(store, "EXISTS", KEYS.kinds_before, KEYS.kinds_replaced) == 0


async def test_a_record_that_an_earlier_release_wrote_back_has_changed_nothing(store: Redis) -> None:
    await Deployed(store, "w", record(1, "old")).beat()
    await Deployed(store, "x", record(1, "new")).beat()
    await command(store, "HSET", KEYS.kinds, "k", encode_kind(record(1, "old")))
    assert (await read_replaced_kinds(store, KEYS, 10)).kinds == []


async def test_what_lies_there_is_not_trusted(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    await Deployed(store, "w", record(1, "old")).beat()
    await Deployed(store, "x", record(1, "new")).beat()
    await command(store, "HSET", KEYS.kinds_before, "k", b"\xff")
    (one,) = (await read_replaced_kinds(store, KEYS, 10)).kinds
    assert (one.before, one.now, "not of the form" in one.why) == (None, None, True)
    await command(store, "HSET", KEYS.kinds_before, "k", b" " * (MAX_RECORD_BYTES + 1))
    (one,) = (await read_replaced_kinds(store, KEYS, 10)).kinds
    assert f"at most {MAX_RECORD_BYTES} of one kind" in one.why
    # What is too large is not kept.
    await command(store, "HSET", KEYS.kinds, "k", b" " * (MAX_RECORD_BYTES + 1))
    await Deployed(store, "y", record(1, "newest")).beat()
    assert (await read_replaced_kinds(store, KEYS, 10)) == ([], 0)


async def test_the_newest_changes_are_shown_first_and_no_more_than_asked_for(store: Redis) -> None:
    raw = msgspec.Raw(b"{}")
    for text in ("old", "new"):
        for name in ("a", "b", "c"):
            await Registry(store, KEYS).register([KindRecord(kind=name, description=text, input=raw, result=raw)])
    at = await Registry(store, KEYS).now_ms()
    await command(store, "ZADD", KEYS.kinds_replaced, at + 2, "a", at + 3, "c", at + 1, "b")
    found = await read_replaced_kinds(store, KEYS, 2)
    assert ([one.kind for one in found.kinds], found.total) == (["c", "a"], 3)
