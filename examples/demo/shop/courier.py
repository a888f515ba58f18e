"""The courier: books pick-ups, and cancels them."""

import dataclasses
import hashlib
from typing import Literal

from shop.ledger import Ledger

Address = Literal["in reach", "out of reach"]


class CourierError(Exception):
    """The courier does not come; the message says why, for the customer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Booking:
    """One pick-up."""

    key: str
    order: str
    tracking: str
    state: Literal["booked", "cancelled"]


class Courier(Ledger):
    """The courier's book. Every pick-up has a key; a second booking under a key changes nothing."""

    schema = """
        CREATE TABLE IF NOT EXISTS booking (
            key TEXT PRIMARY KEY, "order" TEXT NOT NULL, tracking TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL CHECK (state IN ('booked', 'cancelled'))
        );
    """

    def book(self, key: str, order: str, address: Address) -> Booking:
        """Book a pick-up.

        Raises:
            CourierError: no courier drives there, or the shop cancelled the pick-up before it booked it.

        """
        if address == "out of reach":
            raise CourierError("no courier drives to this address")
        with self._writing() as books:
            books.execute("INSERT OR IGNORE INTO booking VALUES (?, ?, ?, 'booked')", (key, order, tracking_of(key)))
            booking = Booking(*books.execute("SELECT * FROM booking WHERE key = ?", (key,)).fetchone())
        if booking.state == "cancelled":
            raise CourierError("this has been cancelled already")
        return booking

    def cancel(self, key: str, order: str) -> bool:
        """Cancel a pick-up; return whether there was one.

        There may be none: the book notes that, and refuses a booking that comes late.
        """
        with self._writing() as books:
            made = books.execute(
                "INSERT OR IGNORE INTO booking VALUES (?, ?, ?, 'cancelled')", (key, order, tracking_of(key))
            )
            books.execute("UPDATE booking SET state = 'cancelled' WHERE key = ?", (key,))
            return not made.rowcount

    def bookings(self) -> list[Booking]:
        """Return all pick-ups, the oldest first."""
        with self._open() as books:
            return [Booking(*row) for row in books.execute("SELECT * FROM booking ORDER BY rowid")]


def tracking_of(key: str) -> str:
    """Return the number under which a pick-up can be followed: the same for the same key."""
    return "TD" + str(int.from_bytes(hashlib.sha256(key.encode()).digest()[:5]) % 10**10).zfill(10)
