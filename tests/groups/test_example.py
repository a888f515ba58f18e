"""The example of the page: an index and a ledger that agree in the end, though one was down for a while."""

import sqlite3
from pathlib import Path

from support.peer import peer
from support.system import running_system
from support.waiting import until_async
from tidings.store.groups.group_admin import GroupAdmin, GroupCommand
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

EXAMPLE = Path(__file__).parents[2] / "examples" / "consumers.py"


async def test_a_ledger_that_was_down_books_each_order_once_and_each_is_shipped_once(tmp_path: Path) -> None:
    with running_system(servers=0, workers=0) as system:
        worker = system.add_worker(str(EXAMPLE), CONSUMERS_FOLDER=str(tmp_path))
        server = system.add_server()
        await until_async(lambda: worker.text().count("group_ready") >= 3, seconds=20)
        store = open_store(system.store.url)
        admin = GroupAdmin(store, StoreKeys(), "default")
        assert await admin.act("billing", GroupCommand.PAUSE) == "ok"

        def rows(table: str) -> list[tuple[str, int]]:
            with sqlite3.connect(tmp_path / "consumers.db") as connection:
                return sorted(connection.execute(f"SELECT * FROM {table}"))  # noqa: S608 - ours

        async with peer(server.socket_url) as client:
            for number in range(10):
                await client.run("place_order", {"customer": "ada", "amount": number})
        await until_async(lambda: len(rows("orders")) >= 10, seconds=20)
        assert rows("ledger") == []
        await admin.act("billing", GroupCommand.RESUME)
        await until_async(lambda: len(rows("ledger")) >= 10, seconds=20)
        assert sum(amount for _, amount in rows("ledger")) == sum(range(10))
        await until_async(
            admin.read,
            lambda found: not next(one for one in found.groups if one.name == "shipping").behind,
            seconds=20,
        )
        shipped = [key async for key in store.scan_iter("t:{default}:key:ship_order:*")]
        assert len(shipped) == 10
        await store.aclose()
