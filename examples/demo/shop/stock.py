"""The shop's stock: what lies on the shelf, what is held for orders under way, what has been shipped."""

import dataclasses
import sqlite3
from typing import Final, Literal

from shop.ledger import Ledger

Item = Literal["teapot", "kettle", "samovar"]

PRICES: Final[dict[Item, int]] = {"teapot": 2_400, "kettle": 5_900, "samovar": 48_000}
"""Cents."""


class StockError(Exception):
    """The stock cannot do what is asked; the message says why, for the customer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What one order holds, or held, of the stock."""

    key: str
    order: str
    item: str
    quantity: int
    state: Literal["held", "shipped", "recalled", "released"]

    @property
    def value(self) -> int:
        """Cents."""
        return self.quantity * PRICES[self.item]  # type: ignore[index]


@dataclasses.dataclass(frozen=True, slots=True)
class Shelf:
    """One item: pieces received from the maker, still on the shelf, held and shipped."""

    item: str
    received: int
    on_shelf: int
    held: int
    shipped: int


class Stock(Ledger):
    """The stock. Every change has a key; a second change under a key does nothing."""

    schema = """
        CREATE TABLE IF NOT EXISTS item (
            name TEXT PRIMARY KEY, received INTEGER NOT NULL, on_shelf INTEGER NOT NULL CHECK (on_shelf >= 0)
        );
        CREATE TABLE IF NOT EXISTS hold (
            key TEXT PRIMARY KEY, "order" TEXT NOT NULL, item TEXT NOT NULL REFERENCES item, quantity INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('held', 'shipped', 'recalled', 'released'))
        );
        CREATE TABLE IF NOT EXISTS delivery (key TEXT PRIMARY KEY, item TEXT NOT NULL, quantity INTEGER NOT NULL);
        INSERT OR IGNORE INTO item VALUES ('teapot', 1000, 1000), ('kettle', 1000, 1000), ('samovar', 1000, 1000);
    """

    def hold(self, key: str, order: str, item: Item, quantity: int) -> Held:
        """Take pieces off the shelf for an order.

        Raises:
            StockError: there are not as many, or what this key stands for has been given up.

        """
        with self._writing() as books:
            known = _held(books, key)
            if known is None:
                taken = books.execute(
                    "UPDATE item SET on_shelf = on_shelf - ? WHERE name = ? AND on_shelf >= ?",
                    (quantity, item, quantity),
                )
                if not taken.rowcount:
                    raise StockError(f"there are not {quantity} of the {item} left")
                known = _enter(books, Held(key, order, item, quantity, "held"))
        if known.state == "released":
            raise StockError("this has been given up already")
        return known

    def release(self, key: str, order: str, item: Item) -> int:
        """Put back what an order holds; return how many pieces.

        The order may have taken nothing: the book notes that, and refuses a hold that comes late.

        Raises:
            StockError: it has been shipped.

        """
        with self._writing() as books:
            known = _held(books, key)
            if known is None:
                _enter(books, Held(key, order, item, 0, "released"))
                return 0
            if known.state == "shipped":
                raise StockError("this has been shipped already")
            if known.state in ("held", "recalled"):
                books.execute("UPDATE hold SET state = 'released' WHERE key = ?", (key,))
                books.execute("UPDATE item SET on_shelf = on_shelf + ? WHERE name = ?", (known.quantity, known.item))
            return known.quantity

    def ship(self, key: str) -> Held:
        """Send off what an order holds.

        Raises:
            StockError: nothing is held under this key.

        """
        with self._writing() as books:
            known = _held(books, key)
            if known is None or known.state in ("recalled", "released"):
                raise StockError("there is nothing to ship")
            books.execute("UPDATE hold SET state = 'shipped' WHERE key = ?", (key,))
            return dataclasses.replace(known, state="shipped")

    def receive(self, key: str, item: Item, quantity: int) -> int:
        """Put what the maker has delivered on the shelf; return how many pieces lie there now."""
        with self._writing() as books:
            if books.execute("INSERT OR IGNORE INTO delivery VALUES (?, ?, ?)", (key, item, quantity)).rowcount:
                books.execute(
                    "UPDATE item SET received = received + ?, on_shelf = on_shelf + ? WHERE name = ?",
                    (quantity, quantity, item),
                )
            (there,) = books.execute("SELECT on_shelf FROM item WHERE name = ?", (item,)).fetchone()
        return int(there)

    def recall(self, key: str) -> None:
        """Have an order's pieces brought back, if they were sent off; refuse a shipment that comes late."""
        with self._writing() as books:
            books.execute("UPDATE hold SET state = 'recalled' WHERE key = ? AND state IN ('held', 'shipped')", (key,))

    def shelves(self) -> list[Shelf]:
        """Return where the pieces of each item are."""
        with self._open() as books:
            rows = books.execute("""
                SELECT name, received, on_shelf,
                       total(iif(state IN ('held', 'recalled'), quantity, 0)) AS held,
                       total(iif(state = 'shipped', quantity, 0)) AS shipped
                FROM item LEFT JOIN hold ON item = name GROUP BY name ORDER BY name
            """).fetchall()
        return [Shelf(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]

    def holds(self) -> list[Held]:
        """Return what all orders hold or held, the oldest first."""
        with self._open() as books:
            return [Held(*row) for row in books.execute("SELECT * FROM hold ORDER BY rowid")]


def _held(books: sqlite3.Connection, key: str) -> Held | None:
    row = books.execute("SELECT * FROM hold WHERE key = ?", (key,)).fetchone()
    return Held(*row) if row else None


def _enter(books: sqlite3.Connection, held: Held) -> Held:
    books.execute("INSERT INTO hold VALUES (?, ?, ?, ?, ?)", dataclasses.astuple(held))
    return held
