"""A search index and a billing ledger that follow the same orders, and a chain: each paid order is shipped.

    tidings dev examples/consumers.py
    tidings submit place_order customer=ada amount=12

Stop one of them (`tidings events pause billing`), place orders, and let it go on (`tidings events resume billing`): the
index was current all the time, and the ledger catches up. `tidings events replay search --from-start` builds the index
again from the first event.
"""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from tidings import Event, job, lifespan, on

FOLDER = Path(os.environ.get("CONSUMERS_FOLDER", "."))


@job(name="place_order")
async def place_order(customer: str, amount: int) -> dict[str, object]:
    """Take an order."""
    return {"customer": customer, "amount": amount}


@job(name="ship_order")
async def ship_order(order: str) -> str:
    """Send what was ordered."""
    return f"{order} is on its way"


@lifespan
async def database() -> AsyncIterator[sqlite3.Connection]:
    """Open the database of the index and the ledger."""
    connection = sqlite3.connect(FOLDER / "consumers.db")
    connection.execute("CREATE TABLE IF NOT EXISTS orders (token TEXT PRIMARY KEY, customer TEXT, amount INTEGER)")
    connection.execute("CREATE TABLE IF NOT EXISTS ledger (event TEXT PRIMARY KEY, amount INTEGER)")
    yield connection
    connection.close()


@on("place_order", events=["succeeded"], group="search")
async def index(event: Event) -> None:
    """Keep the newest of each order: the same event twice changes nothing."""
    row = (event.token, event.result["customer"], event.result["amount"])
    with event.state as connection:
        connection.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", row)


@on("place_order", events=["succeeded"], group="billing")
async def bill(event: Event) -> None:
    """Book each order once: the event's id is the key of the entry."""
    with event.state as connection:
        connection.execute("INSERT OR IGNORE INTO ledger VALUES (?, ?)", (event.id, event.result["amount"]))


@on("place_order", events=["succeeded"], group="shipping")
async def ship(event: Event) -> None:
    """Go on to the next service; it gets one job for each order."""
    await event.submit("ship_order", order=event.token)
