"""What type checkers must not take: each line names the codes of mypy and of pyright that it must get."""

from right import charge, charge_with_context, crop, draw, elsewhere, price, weigh

from tidings import Client, Context, SubmitOptions, SyncClient, SyncContext, job


async def submits(client: Client) -> None:
    await client.submit(price)  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(price, itm="tea")  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(price, item=3)  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(price, "tea", 1, 2)  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(draw, width="3")  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(crop, 3)  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(elsewhere, item=b"")  # mypy: call-overload, pyright: reportCallIssue
    await client.submit(price, {"item": "tea"})  # mypy: call-overload, pyright: reportCallIssue
    options = SubmitOptions(delay=3)
    await client.submit(price, item="tea", options=options)  # mypy: call-overload, pyright: reportCallIssue
    await client.with_options(options).submit(price, item=3)  # mypy: call-overload, pyright: reportCallIssue
    await client.with_options(delay=3)  # mypy: call-arg, pyright: reportCallIssue
    text: str = await (await client.submit(price, "tea")).result()  # mypy: assignment, pyright: reportAssignmentType
    assert text


def submits_without_await(client: SyncClient) -> None:
    client.submit(price, itm="tea")  # mypy: call-overload, pyright: reportCallIssue
    client.with_options(SubmitOptions()).submit(draw, "3")  # mypy: call-overload, pyright: reportCallIssue
    text: str = client.submit(price, "tea").result()  # mypy: assignment, pyright: reportAssignmentType
    assert text


async def saga(ctx: Context) -> None:
    await ctx.call(price, itm="tea")  # mypy: call-overload, pyright: reportCallIssue
    await ctx.call(draw, "3")  # mypy: call-overload, pyright: reportCallIssue
    await ctx.with_options(undo=charge).call(draw, "3")  # mypy: call-overload, pyright: reportCallIssue
    await ctx.step(charge, 3)  # mypy: type-var, pyright: reportCallIssue
    await ctx.step(charge_with_context)  # mypy: call-arg, pyright: reportCallIssue
    await ctx.step(weigh, "a")  # mypy: type-var, pyright: reportCallIssue
    await ctx.step(weigh, "a", undo=charge)  # mypy: call-arg, pyright: reportCallIssue
    await ctx.step(price, item=3)  # mypy: call-overload, pyright: reportCallIssue
    await ctx.step(weigh, 3, retries="2")  # mypy: call-arg, pyright: reportCallIssue
    await ctx.with_options(retry=2).step(weigh, 3)  # mypy: call-arg, pyright: reportCallIssue


async def direct_calls(ctx: Context, plain: SyncContext) -> None:
    await price(item="tea")  # mypy: call-arg, pyright: reportCallIssue
    await price(plain, item="tea")  # mypy: arg-type, pyright: reportArgumentType
    draw(ctx, width=3)  # mypy: arg-type, pyright: reportArgumentType


@job(timout=3)  # mypy: call-overload, pyright: reportCallIssue
async def misspelt(ctx: Context) -> None:
    await ctx.sleep(1)
