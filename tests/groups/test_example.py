"""The example of the page: an index and a ledger that agree in the end, though one was down for a while."""

import sqlite3
from pathlib import Path

import anyio

from support.peer import peer
from support.system import running_system
from support.timeouts import scaled
from tidings.store.groups.group_admin import GroupAdmin, GroupCommand
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

EXAMPLE = Path(__file__).parents[2] / "examples" / "consumers.py"


async def test_a_ledger_that_was_down_books_each_order_once_and_each_is_shipped_once(tmp_path: Path) -> None:
    with running_system(servers=0, workers=0) as system:
        worker = system.add_worker(str(EXAMPLE), CONSUMERS_FOLDER=str(tmp_path))
        server = system.add_server()
        with anyio.fail_after(scaled(20)):
            while worker.text().count("group_ready") < 3:
                await anyio.sleep(0.05)
        store = open_store(system.store.url)
        admin = GroupAdmin(store, StoreKeys(), "default")
        assert await admin.act("billing", GroupCommand.PAUSE) == "ok"

        def rows(table: str) -> list[tuple[str, int]]:
            with sqlite3.connect(tmp_path / "consumers.db") as connection:
                return sorted(connection.execute(f"SELECT * FROM {table}"))  # noqa: S608 - ours

        async with peer(server.socket_url) as client:
            for number in range(10):
                await client.run("place_order", {"customer": "ada", "amount": number})
        with anyio.fail_after(scaled(20)):
            while len(rows("orders")) < 10:
                await anyio.sleep(0.05)
        assert rows("ledger") == []
        await admin.act("billing", GroupCommand.RESUME)
        with anyio.fail_after(scaled(20)):
            while len(rows("ledger")) < 10:
                await anyio.sleep(0.05)
        assert sum(amount for _, amount in rows("ledger")) == sum(range(10))
        with anyio.fail_after(scaled(20)):
            while next(one for one in (await admin.read()).groups if one.name == "shipping").behind:
                await anyio.sleep(0.05)
        shipped = [key async for key in store.scan_iter("t:{default}:key:ship_order:*")]
        assert len(shipped) == 10
        await store.aclose()
