"""Somebody's application with Tidings inside, under uvicorn as it comes: `python mounted.py PORT`.

With `TIDINGS_X_LOGIN=1` it has a login of its own: the cookie `user` says who a client is.
"""

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from tidings_server import Identity, create_app


async def who(connection: HTTPConnection) -> Identity | None:
    """Return the user of the application's session."""
    match connection.cookies.get("user", "").split("/"):
        case [""]:
            return None
        case ["broken"]:
            raise RuntimeError("the sessions are away")
        case ["nobody"]:
            return Identity(owner="")
        case [name, seconds]:
            return Identity(owner=name, since=time.time(), expires_at=time.time() + float(seconds))
        case [name, *_]:
            return Identity(owner=name)
    return None


tidings = create_app(authenticate=who if os.environ.get("TIDINGS_X_LOGIN") else None)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with tidings.router.lifespan_context(tidings):
        yield


async def hello(_: Request) -> Response:
    return PlainTextResponse("mine")


app = Starlette(routes=[Route("/", hello), Mount("/tidings", tidings)], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), ws=sys.argv[2])
