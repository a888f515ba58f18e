"""Somebody's application with Tidings inside, under uvicorn as it comes: `python mounted.py PORT`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from tidings_server import create_app

tidings = create_app()


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with tidings.router.lifespan_context(tidings):
        yield


async def hello(_: Request) -> Response:
    return PlainTextResponse("mine")


app = Starlette(routes=[Route("/", hello), Mount("/tidings", tidings)], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), ws=sys.argv[2])
