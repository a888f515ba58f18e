"""A FastAPI application that answers with a `StreamingResponse`: nothing outlives the connection."""

from collections.abc import AsyncIterator

from fastapi import FastAPI
from starlette.responses import StreamingResponse

from bench.streams.said import stamps


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI()

    @app.get("/say")
    async def say(count: int, per_s: float) -> StreamingResponse:
        return StreamingResponse(_events(count, per_s), media_type="text/event-stream")

    return app


async def _events(count: int, per_s: float) -> AsyncIterator[str]:
    async for stamp in stamps(count, per_s):
        yield f"data: {stamp}\n\n"
