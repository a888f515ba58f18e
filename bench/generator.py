"""The load generator, a process of its own: `python -m bench.generator URL KIND SOCKETS WARM_UP_S SECONDS`.

It prints `begin` and `end` around what it measures, so that others can read their clocks then, and
last its figures as JSON.
"""

import asyncio
import sys
import time

import msgspec
import uvloop

from .loop import Loop


async def _run(url: str, kind: str, sockets: int, warm_up_s: float, seconds: float) -> None:
    loop = Loop(url, kind, sockets)
    running = asyncio.create_task(loop.run(warm_up_s, seconds))
    await asyncio.sleep(warm_up_s)
    cpu = time.process_time()
    print("begin", flush=True)
    took = await running
    print("end", flush=True)
    figures = {
        "seconds": took,
        "jobs": loop.jobs,
        "progress": loop.progress,
        "early": loop.early,
        "errors": loop.errors,
        "ack_ms": loop.ack.to_ms(),
        "reply_ms": loop.reply.to_ms(),
        "cpu": time.process_time() - cpu,
    }
    print(msgspec.json.encode(figures).decode(), flush=True)


if __name__ == "__main__":
    _, url_, kind_, sockets_, warm_up_, seconds_ = sys.argv
    uvloop.run(_run(url_, kind_, int(sockets_), float(warm_up_), float(seconds_)))
