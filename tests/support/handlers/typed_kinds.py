"""Jobs that are submitted by their functions: what they take and what they give has types beyond JSON's own."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from tidings import Context, SyncContext, declare_kind, job


class Parcel(msgspec.Struct):
    item: str
    weight: float
    sent: datetime


class Route(NamedTuple):
    stops: int
    last: str


SENT = datetime(2026, 12, 24, tzinfo=UTC)


@job
async def pack(ctx: Context, item: str, weight: float = 1.5) -> Parcel:
    return Parcel(item, weight, SENT)


@job
def plan(ctx: SyncContext, *, parcel: Parcel, delay: timedelta = timedelta(0)) -> Route:
    return Route(int(parcel.weight) + delay.days, parcel.item)


@declare_kind("plan")
def plan_elsewhere(*, parcel: Parcel, delay: timedelta = timedelta(0)) -> Route:
    raise NotImplementedError


@job(version=2)
async def weigh(item: str) -> Parcel:
    return {"item": item, "weight": "heavy"}  # type: ignore[return-value]  # as another version of it would


@job(retries=0)
async def send(ctx: Context, name: str) -> Route:
    parcel = await ctx.call(pack, item=name, weight=2.5)
    assert isinstance(parcel, Parcel)
    first = await ctx.with_options(name="far").call(plan_elsewhere, parcel=parcel)
    assert isinstance(first, Route)
    second = await ctx.call(plan, parcel=parcel, delay=timedelta(days=3), name="near")
    weight = await ctx.with_options(name="add", retries=1).step(add, first.stops, name=second.stops)
    return Route(weight, parcel.sent.isoformat())


@job
async def greet(name: str) -> str:
    return f"hello {name}"


@job
async def greet_all(ctx: Context, names: list[str]) -> list[str]:
    """A child's argument has the name of an option."""
    return [await ctx.call(greet, name=name) for name in names]


@job
async def mistake(ctx: Context) -> str:
    try:
        await ctx.call(pack, itm="tea")  # type: ignore[call-overload]
    except TypeError as error:
        return str(error)
    return ""


def add(one: int, name: int) -> int:
    return one + name
