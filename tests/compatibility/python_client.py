"""What a program does with the Python client, of whichever release PYTHONPATH names; prints what it got as JSON."""

import asyncio
import json
import sys
from typing import Any

from tidings import Client, JobCancelled, JobFailed, ProblemError, SyncClient


async def use(url: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with Client(url) as client:
        handle = await client.submit("tell", text="one")
        found["events"] = [event.name async for event in handle]
        found["result"] = (await handle.result())["text"]
        watched = await client.watch(handle.token)
        found["watched"] = (await watched.result())["text"]
        try:
            await (await client.submit("refuse")).result()
        except JobFailed as error:
            found["failed"] = error.problem.code
        try:
            await client.submit("tell", text=1)
        except ProblemError as error:
            found["refused"] = [error.problem.code, error.problem.field]
        long = await client.submit("wait_long")
        async for event in long:
            if event.name == "progress":
                await long.cancel()
        try:
            await long.result()
        except JobCancelled:
            found["cancelled"] = True
        saga = await client.submit("approve")
        await saga.signal("go", "yes")
        found["saga"] = [part[1] if isinstance(part, list) else part for part in (await saga.result())[:3]]
    return found


def use_sync(url: str) -> str:
    with SyncClient(url) as client:
        text: str = client.submit("tell", text="two").result()["text"]
        return text


if __name__ == "__main__":
    url = sys.argv[1]
    sys.stdout.write(json.dumps({**asyncio.run(use(url)), "sync": use_sync(url)}))
