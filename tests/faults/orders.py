"""A trial of the demo's order saga: orders of all kinds while the nemesis works; then peace, and the books.

Whatever failed, each order is done as a whole or undone as a whole, and each of its effects stands once: what is on the
shelves and what was shipped is what was there, what was charged and not given back is what was shipped, and a courier
is booked for what was shipped and for nothing else. The customers use the product's own client.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from support.timeouts import scaled
from tidings import Client, ProblemError, SubmitOptions
from tidings.client import JobCancelled, JobFailed
from tidings.client.handle import Handle

from .checks.history import History
from .cluster import Cluster, running_cluster
from .follower import PASSING, RETRY_S
from .nemesis import Nemesis
from .plan import Step

T = TypeVar("T")

DEMO = Path(__file__).parents[2] / "examples/demo"

CUSTOMERS = 4

PAUSE_S = (0.02, 0.3)
"""Between two orders of one customer."""

QUIET_S = 90.0
"""How long it may take after the last fault until every order has ended."""

CARDS = ("good", "good", "good", "declined", "flaky")


class Order(msgspec.Struct):
    """One order, and what became of it."""

    token: str
    input: dict[str, Any]
    cancelled: bool
    """Whether its customer wanted it cancelled."""
    answer: bool | None = None
    """What was signalled about its approval."""
    status: str = ""
    """Empty: it has not ended in time."""
    outcome: Any = None


class Trial(msgspec.Struct):
    """What a trial showed."""

    plan: list[Step]
    orders: list[Order]
    books: dict[str, Any]
    logs: dict[str, str]

    @property
    def counts(self) -> Counter[str]:
        """How many orders ended in which way."""
        return Counter(_way(order) for order in self.orders)

    def faults(self) -> list[str]:
        """Return what is wrong; empty: nothing."""
        found: list[str] = [str(one) for one in self.books["discrepancies"]]
        found += [f"{order.token}: it has not ended" for order in self.orders if not order.status]
        found += [
            f"{order.token}: {order.outcome}"
            for order in self.orders
            if order.status == "failed" and order.outcome.get("compensation") == "incomplete"
        ]
        succeeded = self.counts["succeeded"]
        if self.books["shipped"] != succeeded:
            found.append(f"{self.books['shipped']} orders were shipped, {succeeded} customers were told so")
        if self.books["under_way"]:
            found.append(f"{self.books['under_way']} orders still hold stock")
        if self.books["charged"] - self.books["refunded"] != self.books["sold"]:
            found.append(f"charged, refunded and sold do not agree: {self.books}")
        found += [f"{order.token}: shipped, though it was not approved" for order in self.orders if _unapproved(order)]
        return found

    def explain(self) -> str:
        """Return the plan, what is wrong, and what the workers said last."""
        lines = [*map(str, self.plan), "", *self.faults()[:40], "", str(self.books), str(self.counts)]
        return "\n".join(lines + [f"{name}: {text[-3000:]}" for name, text in self.logs.items() if "worker" in name])


def _way(order: Order) -> str:
    if order.status == "failed":
        return f"failed, {order.outcome.get('code')}, {order.outcome.get('compensation', 'nothing to undo')}"
    return order.status or "unfinished"


def _unapproved(order: Order) -> bool:
    return order.status == "succeeded" and order.answer is False


async def run_orders(seed: int, seconds: float, plan: Sequence[Step]) -> Trial:
    """Run one trial.

    Args:
        seed: of the orders.
        seconds: how long new ones are placed.
        plan: what the nemesis does meanwhile.

    """
    with tempfile.TemporaryDirectory(prefix="tidings-orders-") as folder:
        environment = {"TIDINGS_DEMO_CACHE": folder, "TIDINGS_LOG_LEVEL": "warning"}
        async with running_cluster(DEMO / "orders.py", environment) as cluster:
            orders = await _sell(cluster, seed, seconds, list(plan))
            books = await _read_books(cluster)
            logs = {name: member.text() for name, member in cluster.members.items()}
    return Trial(list(plan), orders, books, logs)


async def _sell(cluster: Cluster, seed: int, seconds: float, plan: list[Step]) -> list[Order]:
    nemesis = Nemesis(cluster, plan, History())
    orders: list[Order] = []
    closing = time.monotonic() + seconds
    async with asyncio.TaskGroup() as tasks:
        faults = tasks.create_task(nemesis.run(), name="nemesis")
        customers = [
            tasks.create_task(_buy(cluster, number, random.Random(seed * 1000 + number), closing, orders))
            for number in range(CUSTOMERS)
        ]
        await faults
        await asyncio.sleep(max(0.0, closing - time.monotonic()))
        await nemesis.heal()
        await cluster.ready()
        await asyncio.wait(customers, timeout=scaled(QUIET_S))
        for customer in customers:
            customer.cancel()
    return orders


async def _buy(cluster: Cluster, number: int, draw: random.Random, closing: float, orders: list[Order]) -> None:
    """Place orders until closing time, and see each to its end."""
    address = cluster.servers[number % len(cluster.servers)].address
    async with Client(address, wait=QUIET_S) as client, asyncio.TaskGroup() as tasks:
        count = 0
        while time.monotonic() < closing:
            count += 1
            order = _order(draw)
            key = f"customer-{number}-{count}"
            options = SubmitOptions(key=key)
            handle = await _insist(partial(client.submit, "place_order", order.input, options=options))
            assert handle is not None
            order.token = handle.token
            orders.append(order)
            tasks.create_task(_see_to(handle, order, random.Random(draw.random())), name=order.token)
            await asyncio.sleep(draw.uniform(*PAUSE_S))


def _order(draw: random.Random) -> Order:
    item = draw.choice(["teapot", "kettle", "samovar"])
    value = {
        "item": item,
        "quantity": draw.randint(1, 3),
        "card": draw.choice(CARDS),
        "address": "out of reach" if draw.random() < 0.15 else "in reach",
        "pace": round(draw.uniform(0, 0.1), 3),
    }
    return Order(token="", input=value, cancelled=draw.random() < 0.2)


async def _see_to(handle: Handle, order: Order, draw: random.Random) -> None:
    async with asyncio.TaskGroup() as tasks:
        if order.input["item"] == "samovar":
            order.answer = draw.random() < 0.7
            tasks.create_task(_approve(handle, order.answer, draw.uniform(0, 1)))
        if order.cancelled:
            tasks.create_task(_cancel(handle, draw.uniform(0, 1.5)))
        try:
            order.outcome = await handle.result()
            order.status = "succeeded"
        except JobFailed as error:
            order.outcome, order.status = msgspec.to_builtins(error.problem), "failed"
        except JobCancelled:
            order.status = "cancelled"


async def _approve(handle: Handle, answer: bool, after: float) -> None:
    await asyncio.sleep(after)
    await _insist(partial(handle.signal, "approved", answer, key="only"), over="already_finished")


async def _cancel(handle: Handle, after: float) -> None:
    await asyncio.sleep(after)
    await _insist(handle.cancel, over="already_finished")


async def _insist(ask: Callable[[], Awaitable[T]], over: str = "") -> T | None:
    """Ask until it is answered; None: it was too late, which the code `over` says."""
    while True:
        try:
            return await ask()
        except ProblemError as error:
            if error.problem.code == over:
                return None
            if error.problem.code not in PASSING:
                raise
        await asyncio.sleep(RETRY_S)


async def _read_books(cluster: Cluster) -> dict[str, Any]:
    async with Client(cluster.servers[0].address, wait=QUIET_S) as client:
        handle = await _insist(partial(client.submit, "check_books"))
        assert handle is not None
        books: dict[str, Any] = await handle.result(timeout=scaled(QUIET_S))
        return books
