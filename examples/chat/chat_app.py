"""A small application with chats: the page, its messages, and the server of Tidings mounted in it."""

import secrets
from asyncio import to_thread
from pathlib import Path
from typing import Annotated, Any

from fastapi import Cookie, FastAPI
from fastapi.responses import FileResponse, Response
from starlette.requests import HTTPConnection

from chat_history import messages_of
from tidings.fastapi import MountedTidings
from tidings_server import Identity

HERE = Path(__file__).parent


async def who(connection: HTTPConnection) -> Identity | None:
    """Say to the mounted server whose cookie a request or a socket brings."""
    visitor = connection.cookies.get("visitor")
    return Identity(owner=visitor) if visitor else None


tidings = MountedTidings(authenticate=who)
app = FastAPI(title="Chat", lifespan=tidings.lifespan)
tidings.install(app)


@app.get("/chats/{chat}")
async def get_messages(chat: str, visitor: Annotated[str, Cookie()] = "") -> list[dict[str, Any]]:
    """Return the messages of one of the visitor's chats."""
    return await to_thread(messages_of, visitor, chat)


@app.get("/", include_in_schema=False)
def get_page(visitor: Annotated[str, Cookie()] = "") -> Response:
    """Return the page, and a cookie to one that comes for the first time: it is all that a visitor has to show."""
    page = FileResponse(HERE / "page.html")
    if not visitor:
        page.set_cookie("visitor", secrets.token_urlsafe(), httponly=True, samesite="lax")
    return page


@app.get("/page.js", include_in_schema=False)
def get_script() -> FileResponse:
    """Return the page's script, as the bundler has made it."""
    return FileResponse(HERE / "page.js", media_type="text/javascript")
