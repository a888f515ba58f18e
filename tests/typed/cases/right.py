"""What type checkers must take, and what they must know: each line holds for mypy and for pyright, both strict."""

from typing import Any, assert_type

from tidings import Client, Context, Kind, SubmitOptions, SyncClient, SyncContext, declare_kind, job
from tidings.client import Handle, SyncHandle


@job
async def price(ctx: Context, item: str, amount: int = 1) -> float:
    return len(item) * amount


@job(timeout=3)
async def stock(item: str) -> list[int]:
    return [len(item)]


@job
def draw(ctx: SyncContext, width: int) -> dict[str, int]:
    return {"width": width}


@job(run_in="process", retries=3)
def crop(*, width: int) -> None:
    assert width


@job
def echo(value: Any) -> Any:
    return value


@job
async def describe(value: object) -> str:
    return str(value)


@job
def load(number: int) -> Any:
    return number


@job
async def merge(ctx: Context, data: dict[str, Any]) -> str:
    return ctx.token + str(data)


@job
async def merge_alone(data: dict[str, Any]) -> str:
    return str(data)


@job
def merge_in_thread(ctx: SyncContext, data: dict[str, Any]) -> str:
    return ctx.token + str(data)


@job(name="keywords")
async def options_of(ctx: Context, options: str, watch: bool = False) -> str:
    return options * watch


@declare_kind("elsewhere")
def elsewhere(*, item: str) -> tuple[int, str]:
    raise NotImplementedError


async def charge(order: str, amount: int = 1) -> str:
    return order * amount


async def charge_with_context(ctx: Context, order: str) -> str:
    return ctx.token + order


def weigh(grams: int) -> float:
    return grams / 1000


async def submits(client: Client) -> None:
    handle = await client.submit(price, item="tea")
    assert_type(handle, Handle[float])
    assert_type(await handle.result(), float)
    assert_type(await handle.result(timeout=3, type=int), int)
    assert_type(await client.submit(price, "tea", amount=2), Handle[float])
    assert_type(await client.submit(stock, "tea"), Handle[list[int]])
    assert_type(await client.submit(draw, 3), Handle[dict[str, int]])
    assert_type(await client.submit(crop, width=3), Handle[None])
    assert_type(await client.submit(elsewhere, item="tea"), Handle[tuple[int, str]])
    assert_type(await client.submit(options_of, options="a", watch=True), Handle[str])
    assert_type(await client.with_options(SubmitOptions(delay=3)).submit(price, item="tea"), Handle[float])
    assert_type(await client.submit("price", item="tea"), Handle[Any])
    assert_type(await client.submit("price", {"item": "tea"}, options=SubmitOptions(key="k")), Handle[Any])
    assert_type(await client.with_options(SubmitOptions()).submit("price", item="tea", watch=False), Handle[Any])


async def submits_parts_that_may_be_anything(client: Client, ctx: Context) -> None:
    await client.submit(merge, data={"a": 1})
    await client.submit(merge_alone, data={"a": 1})
    await client.submit(merge_in_thread, data={"a": 1})
    await ctx.call(merge, data={"a": 1})
    await ctx.step(merge_alone, {"a": 1})


async def submits_what_may_be_anything(client: Client) -> None:
    await client.submit(echo, value=3)
    await client.submit(echo, 3)
    await client.submit(describe, value=3)
    await client.submit(load, number=3)


def submits_without_await(client: SyncClient) -> None:
    handle = client.submit(price, item="tea")
    assert_type(handle, SyncHandle[float])
    assert_type(handle.result(timeout=3), float)
    assert_type(handle.result(type=int), int)
    assert_type(client.with_options(SubmitOptions(delay=3)).submit(draw, width=3), SyncHandle[dict[str, int]])
    assert_type(client.submit("price", {"item": "tea"}), SyncHandle[Any])


async def saga(ctx: Context) -> None:
    assert_type(await ctx.call(price, item="tea"), float)
    assert_type(await ctx.call(price, item="tea", undo=stock), float)
    assert_type(await ctx.call(elsewhere, item="tea", undo="un_elsewhere", name="far"), tuple[int, str])
    assert_type(await ctx.with_options(undo=stock).call(price, item="tea"), float)
    assert_type(await ctx.call("price", {"item": "tea"}, undo="stock"), Any)
    assert_type(await ctx.step(charge, "o-1"), str)
    assert_type(await ctx.step(charge, "o-1", amount=2), str)
    assert_type(await ctx.step(charge, "o-1", 2, undo=charge, retries=2), str)
    assert_type(await ctx.step(charge_with_context, "o-1"), str)
    assert_type(await ctx.step(charge_with_context, "o-1", name="charge"), str)
    assert_type(await ctx.step(weigh, 300), float)
    assert_type(await ctx.step(weigh, 300, timeout=3), float)
    assert_type(await ctx.step(price, "tea", 2), float)
    assert_type(await ctx.step(draw, width=3), dict[str, int])
    assert_type(await ctx.with_options(undo=charge, timeout=3).step(charge, order="o-1"), str)


async def direct_calls(ctx: Context, plain: SyncContext) -> None:
    assert_type(await price(ctx, item="tea"), float)
    assert_type(await stock("tea"), list[int])
    assert_type(draw(plain, width=3), dict[str, int])
    assert_type(await price.function(ctx, "tea"), float)


def older_annotations(handle: Handle, other: SyncHandle) -> None:
    assert_type(handle, Handle[Any])
    assert_type(other, SyncHandle[Any])


def takes_a_kind(kind: Kind[[str, int], float]) -> str:
    return kind.kind
