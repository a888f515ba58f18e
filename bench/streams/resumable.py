"""A stream that can be resumed as tutorials build it: a list for what was said, pub/sub for what is said now.

A worker takes answers from a queue, and does `RPUSH` and `PUBLISH` for each chunk, in one pipeline. The application
subscribes to the answer's channel, sends what the list holds, and passes on what comes. Neither a worker that dies
nor a second attempt is thought of.
"""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator

import uvloop
from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.responses import StreamingResponse

from bench.streams.said import answer, stamps

QUEUE = "answers"
END = "[DONE]"
KEPT_S = 86_400


def _open() -> Redis:
    opened: Redis = Redis.from_url(os.environ["BENCH_STORE_URL"], decode_responses=True, max_connections=100_000)
    return opened


def create_app() -> FastAPI:
    """Return the application."""
    app, store = FastAPI(), _open()

    @app.get("/say")
    async def say(count: int, per_s: float) -> StreamingResponse:
        return StreamingResponse(_events(store, count, per_s), media_type="text/event-stream")

    return app


async def _events(store: Redis, count: int, per_s: float) -> AsyncIterator[str]:
    key = f"answer:{uuid.uuid4().hex}"
    async with store.pubsub() as subscription:
        await subscription.subscribe(key)
        await store.lpush(QUEUE, json.dumps([key, count, per_s]))
        seen = 0
        for said in await store.lrange(key, 0, -1):
            seen += 1
            yield f"id: {seen}\ndata: {said!s}\n\n"
        async for message in subscription.listen():
            if message["type"] != "message":
                continue
            index, _, text = message["data"].partition(" ")
            if text == END:
                return
            if int(index) > seen:  # else the list held it
                seen = int(index)
                yield f"id: {seen}\ndata: {text}\n\n"


async def _say(store: Redis, key: str, chunks: AsyncIterator[str]) -> None:
    index = 0
    async for chunk in chunks:
        index += 1
        async with store.pipeline(transaction=False) as pipe:
            pipe.rpush(key, chunk)
            pipe.publish(key, f"{index} {chunk}")
            await pipe.execute()
    async with store.pipeline(transaction=False) as pipe:
        pipe.expire(key, KEPT_S)
        pipe.publish(key, f"{index + 1} {END}")
        await pipe.execute()


async def _at_length() -> AsyncIterator[str]:
    for part in answer():
        yield part


async def work() -> None:
    """Take answers from the queue until cancelled, and say each in a task of its own."""
    store = _open()
    async with asyncio.TaskGroup() as tasks:
        while True:
            found = await store.brpop([QUEUE], timeout=0)
            assert found is not None
            key, count, per_s = json.loads(found[1])
            tasks.create_task(_say(store, key, stamps(count, per_s) if count else _at_length()))


if __name__ == "__main__":
    uvloop.run(work())
