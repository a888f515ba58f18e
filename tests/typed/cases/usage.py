"""What a user writes with the kinds of a server; checked, never run."""

from typing import assert_type

from kinds import class_of_names, deliver, nothing, paint, plant, price

from tidings import Client, Context, SubmitOptions
from tidings.client import Handle


async def right(client: Client, ctx: Context) -> None:
    assert_type(await client.submit(price, item="tea"), Handle[float])
    assert_type(await client.with_options(SubmitOptions(delay=3)).submit(price, item="tea", amount=2), Handle[float])
    assert_type(await ctx.call(price, item="tea"), float)
    tree = await (await client.submit(plant, name="root", children=[{"name": "leaf"}])).result()
    assert_type(tree["name"], str)
    painted = await ctx.call(paint, colour="red", either={"type": "left", "value": 1}, rows=[["2026-01-01", 3]])
    if painted is not None and painted["type"] == "left":
        assert_type(painted["value"], int)
    await client.submit(class_of_names, {"class": "c", "order-id": 3})
    await client.submit(deliver, address={"street": "s"})
    await client.submit(nothing)


async def wrong(client: Client, ctx: Context) -> None:
    await client.submit(price, itm="tea")  # wrong
    await client.submit(price, item=3)  # wrong
    await client.submit(price)  # wrong
    await ctx.call(paint, colour="green", either={"type": "left", "value": 1}, rows=[])  # wrong
    await client.submit(class_of_names, {"class": 3})  # wrong
    text: str = await (await client.submit(price, item="tea")).result()  # wrong
    await client.submit(plant, name=text, children=[{"nam": "leaf"}])  # wrong
