"""The books of shop, card service and courier, and whether they agree."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from shop.card_service import Charge
from shop.courier import Booking, Courier
from shop.stock import Held, Shelf, Stock
from shop.till import Till


@dataclasses.dataclass(frozen=True, slots=True)
class Books:
    """What the books say; money in cents."""

    shelves: list[Shelf]
    under_way: int
    """Orders that are neither shipped nor given up."""
    shipped: int
    """Orders shipped."""
    given_up: int
    """Orders given up."""
    sold: int
    """What the shipped orders cost."""
    charged: int
    refunded: int
    discrepancies: list[str]
    """What does not agree; orders under way are left out."""


def check(stock: Stock, till: Till, courier: Courier) -> Books:
    """Read all books while orders are under way, and compare what they say of the others.

    An order holds stock first and lets go of it last. So one whose stock was shipped or put back when the stock's
    book was read is settled in the books that are read after it.
    """
    before, shelves = stock.holds(), stock.shelves()
    charges, bookings = till.charges(), courier.bookings()
    known = {held.order for held in stock.holds()}
    faults = [*_shelf_faults(shelves), *_order_faults(before, charges, bookings), *_strangers(known, charges, bookings)]
    states = Counter(_state_of_orders(before).values())
    return Books(
        shelves=shelves,
        under_way=states["held"],
        shipped=states["shipped"],
        given_up=states["released"],
        sold=sum(held.value for held in before if held.state == "shipped"),
        charged=sum(one.amount for one in charges),
        refunded=sum(one.refunded for one in charges),
        discrepancies=faults,
    )


def _shelf_faults(shelves: Iterable[Shelf]) -> list[str]:
    """Return where pieces came from nowhere, or went there."""
    return [
        f"{one.item}: {one.received} received, but {one.on_shelf} on the shelf, {one.held} held, {one.shipped} shipped"
        for one in shelves
        if one.received != one.on_shelf + one.held + one.shipped
    ]


def _order_faults(holds: Sequence[Held], charges: Sequence[Charge], bookings: Sequence[Booking]) -> list[str]:
    """Return the settled orders whose money or courier does not agree with what became of their stock."""
    paid, booked, worth = Counter[str](), Counter[str](), Counter[str]()
    for charge in charges:
        paid[charge.order] += charge.amount - charge.refunded
    for booking in bookings:
        booked[booking.order] += booking.state == "booked"
    for held in holds:
        worth[held.order] += held.value if held.state == "shipped" else 0
    faults = []
    for order, state in _state_of_orders(holds).items():
        if state == "held":
            continue
        if paid[order] != worth[order]:
            faults.append(f"{order}: {state}, worth {worth[order]}, but {paid[order]} cents were paid and kept")
        if booked[order] != (state == "shipped"):
            faults.append(f"{order}: {state}, but {booked[order]} couriers are booked")
    return faults


def _strangers(known: set[str], charges: Iterable[Charge], bookings: Iterable[Booking]) -> list[str]:
    """Return the charges and bookings of orders that hold no stock and never did."""
    orders = [(one.order, "charged") for one in charges] + [(one.order, "a courier is booked") for one in bookings]
    return [f"{order}: {what}, but no stock was ever held for it" for order, what in orders if order not in known]


def _state_of_orders(holds: Iterable[Held]) -> dict[str, str]:
    """Return order → `held`, `shipped` or `released`; an order that began again has several holds."""
    rank = {"released": 0, "shipped": 1, "held": 2}
    states: dict[str, str] = {}
    for held in holds:
        state = "held" if held.state == "recalled" else held.state
        states[held.order] = max(states.get(held.order, "released"), state, key=rank.__getitem__)
    return states
