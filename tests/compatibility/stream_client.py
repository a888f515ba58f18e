"""What a program gets of a stream with the Python client of whichever release PYTHONPATH names; prints it as JSON.

`read`: the chunks; null: the client knows no streams.
"""

import asyncio
import json
import sys
from typing import Any

from tidings import Client
from tidings.client import client_errors

Incomplete = getattr(client_errors, "StreamIncomplete", None)


async def use(url: str, text: str) -> dict[str, Any]:
    async with Client(url) as client:
        handle = await client.submit("spell", text=text)
        events = [event.name async for event in handle]
        return {"result": await handle.result(), "events": events, "read": await read(handle)}


async def read(handle: Any) -> list[Any] | None:
    if Incomplete is None:
        return None
    chunks = handle.stream()
    try:
        return [chunk async for chunk in chunks]
    except Incomplete:
        return list(chunks.chunks)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(use(sys.argv[1], sys.argv[2]))))
