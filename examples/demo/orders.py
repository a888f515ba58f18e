"""An order as a saga: several steps at several places, all of them done or all of them undone.

What is bought, charged and driven is in the plain modules beside this one, which know nothing of Tidings. Each of
them does a thing once for each key, however often it is asked; the key of a step is the same in every attempt
(`ctx.idempotency_key`), and the step that undoes it is given the same.
"""

import os
from typing import Annotated, Any, Final, Literal, TypeAlias

import anyio
import anyio.to_thread
import msgspec
from msgspec import Meta

from flights.dataset import cache_folder
from shop.books import Books, check
from shop.card_service import Card
from shop.courier import Address, Booking, Courier, CourierError
from shop.label import label
from shop.stock import PRICES, Item, Stock, StockError
from shop.till import CardServiceError, DeclinedError, Till
from tidings import Context, Reject, job

APPROVAL_ABOVE: Final = 20_000
"""Orders worth more, in cents, wait until a person has approved them."""

APPROVAL_S: Final = 3_600.0
"""How long they wait."""

FOLDER: Final = cache_folder(os.environ) / "shop"

stock = Stock(FOLDER / "stock.db")
courier = Courier(FOLDER / "courier.db")
till = Till(FOLDER)

Quantity: TypeAlias = Annotated[int, Meta(ge=1, le=20, description="How many pieces.")]
Pace: TypeAlias = Annotated[
    float, Meta(ge=0, le=10, description="Seconds that every step takes at the least, for those who want to watch.")
]


class Payment(msgspec.Struct, kw_only=True):
    """What is charged, and given back."""

    order: str
    amount: Annotated[int, Meta(ge=1, description="Cents.")]
    card: Card = "good"
    pace: Pace = 0


class Delivery(msgspec.Struct, kw_only=True):
    """What a courier is booked for."""

    order: str
    address: Address = "in reach"
    pace: Pace = 0


class Receipt(msgspec.Struct, kw_only=True):
    """What the customer gets; money in cents."""

    item: Item
    quantity: int
    total: int
    tracking: str
    approved: bool
    """Whether a person had to approve it."""
    label: str
    """The parcel's label, a PNG in base64."""


@job(timeout=120, retries=3)
async def place_order(
    ctx: Context,
    item: Item = "teapot",
    quantity: Quantity = 1,
    card: Card = "good",
    address: Address = "in reach",
    pace: Pace = 0,
) -> Receipt:
    """Sells something: holds stock, charges a card, books a courier and prints the label, and ships.

    An order above 200.00 waits for the signal `approved`, whose value is true or false. Whatever fails, is refused or
    is cancelled before it ships: everything done until then is undone, the last first.

    Raises:
        Reject: it was not approved.

    """
    total = PRICES[item] * quantity
    held = await ctx.step(reserve_stock, item, quantity, pace, undo=release_stock)
    payment = Payment(order=ctx.token, amount=total, card=card, pace=pace)
    await ctx.call("charge_card", payment, undo="refund_card")
    booking, printed = await ctx.gather(
        ctx.call("book_courier", Delivery(order=ctx.token, address=address, pace=pace), undo="cancel_courier"),
        ctx.call("print_label", {"order": ctx.token, "item": item, "quantity": quantity, "pace": pace}),
    )
    needs_approval = total > APPROVAL_ABOVE
    if needs_approval and await ctx.signal("approved", timeout=APPROVAL_S) is not True:
        raise Reject("the order was not approved")
    await ctx.step(ship, held, pace, undo=recall)
    return Receipt(
        item=item,
        quantity=quantity,
        total=total,
        tracking=booking["tracking"],
        approved=needs_approval,
        label=printed,
    )


# Steps of its own: they run where the order does.


async def reserve_stock(ctx: Context, item: Item, quantity: int, pace: float) -> str:
    """Hold pieces; return the key under which they are held."""
    await anyio.sleep(pace)
    try:
        held = await anyio.to_thread.run_sync(stock.hold, ctx.idempotency_key, ctx.token, item, quantity)
    except StockError as error:
        raise Reject(str(error)) from error
    return held.key


async def release_stock(ctx: Context, item: Item, quantity: int, pace: float) -> None:  # noqa: ARG001
    """Put them back."""
    await anyio.sleep(pace)
    await anyio.to_thread.run_sync(stock.release, ctx.idempotency_key, ctx.token, item)


async def ship(held: str, pace: float) -> None:
    """Send off what is held; it comes last, as to have it brought back costs most."""
    await anyio.sleep(pace)
    await anyio.to_thread.run_sync(stock.ship, held)


async def recall(held: str, pace: float) -> None:
    """Have it brought back: the order was given up when it was on its way, or may have been."""
    await anyio.sleep(pace)
    await anyio.to_thread.run_sync(stock.recall, held)


# Jobs of others: any worker may run them, and each has its own retries.


@job(timeout=60, retries=2, retry_on=CardServiceError, expose_errors=True)
async def charge_card(ctx: Context, payment: Payment) -> dict[str, int]:
    """Charges a card.

    Raises:
        Reject: the card was declined.

    """
    await anyio.sleep(payment.pace)
    key = ctx.idempotency_key
    try:
        charge = await anyio.to_thread.run_sync(till.charge, key, payment.order, payment.card, payment.amount)
    except DeclinedError as error:
        raise Reject(str(error)) from error
    return {"charged": charge.amount}


@job(timeout=60, retries=20, retry_on=CardServiceError, expose_errors=True)
async def refund_card(ctx: Context, payment: Payment) -> dict[str, int]:
    """Gives back what was charged, if anything was."""
    await anyio.sleep(payment.pace)
    return {"refunded": await anyio.to_thread.run_sync(till.refund, ctx.idempotency_key, payment.order)}


@job(timeout=60)
async def book_courier(ctx: Context, delivery: Delivery) -> dict[str, str]:
    """Books a courier.

    Raises:
        Reject: no courier drives there.

    """
    await anyio.sleep(delivery.pace)
    try:
        booking: Booking = await anyio.to_thread.run_sync(
            courier.book, ctx.idempotency_key, delivery.order, delivery.address
        )
    except CourierError as error:
        raise Reject(str(error)) from error
    return {"tracking": booking.tracking}


@job(timeout=60, retries=20)
async def cancel_courier(ctx: Context, delivery: Delivery) -> None:
    """Cancels a courier, if one was booked."""
    await anyio.sleep(delivery.pace)
    await anyio.to_thread.run_sync(courier.cancel, ctx.idempotency_key, delivery.order)


@job(timeout=60, retries=2)
async def print_label(order: str, item: Item, quantity: Quantity, pace: Pace = 0) -> str:
    """Prints a parcel's label, a PNG in base64."""
    await anyio.sleep(pace)
    return await anyio.to_thread.run_sync(label, order, item, quantity)


# For the shopkeeper.


@job(timeout=60)
async def check_books() -> Books:
    """Holds the books of shop, card service and courier against each other."""
    return await anyio.to_thread.run_sync(check, stock, till, courier)


@job(timeout=60)
async def restock(ctx: Context, item: Item = "teapot", quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1_000) -> int:
    """Has pieces delivered; tells how many there are then."""
    return await anyio.to_thread.run_sync(stock.receive, ctx.idempotency_key, item, quantity)


@job(timeout=60)
async def set_card_service(mode: Card = "good") -> dict[Literal["mode"], Any]:
    """Makes the card service decline, break, slow down or lose answers, for all orders, until the next call."""
    await anyio.to_thread.run_sync(till.set_mode, mode)
    return {"mode": mode}
