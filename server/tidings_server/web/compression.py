"""Answers compressed by gzip for clients that take it: files of the pages, documents, lists for operators.

Left as they are: event streams, which go out event by event; jobs and what comes of them, whose answers are waited for;
and what is small. No answer that is compressed holds a credential, and callers present theirs in a header that no
foreign page can have a browser send, so lengths reveal no secret (as in BREACH, https://www.breachattack.com/).
Source: RFC 9110, sections 8.4.1 and 12.5.3.
"""

import gzip
from collections.abc import Awaitable, Callable

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

LEAST_BYTES = 1_000
"""What is smaller fits into the first packet anyway."""

THREAD_BYTES = 65_536
"""What is larger is compressed beside the event loop."""

LEVEL = 6

RouteHandler = Callable[[Request], Awaitable[Response]]


def accepts_gzip(header: str) -> bool:
    """Return whether the value of `Accept-Encoding` allows gzip; what cannot be read allows nothing."""
    found: dict[str, bool] = {}
    for part in header.split(","):
        coding, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            found[coding] = float(weight) > 0
        except ValueError:
            found[coding] = False
    return found.get("gzip", found.get("x-gzip", found.get("*", False)))


def gzipped(body: bytes) -> bytes:
    """Return bytes compressed; the same bytes always give the same."""
    return gzip.compress(body, LEVEL, mtime=0)


def compressing(endpoint: RouteHandler) -> RouteHandler:
    """Return a route that does the same, and compresses the answer where its client takes that and it is worth it."""

    async def endpoint_compressed(request: Request) -> Response:
        response = await endpoint(request)
        await compress(request, response)
        return response

    return endpoint_compressed


async def compress(request: Request, response: Response) -> None:
    """Compress the body of an answer that is not sent yet."""
    body = response.body
    response.headers.add_vary_header("Accept-Encoding")
    if len(body) < LEAST_BYTES or not accepts_gzip(request.headers.get("accept-encoding", "")):
        return
    assert isinstance(body, bytes)
    if len(body) > THREAD_BYTES:
        response.body = await anyio.to_thread.run_sync(gzipped, body)
    else:
        response.body = gzipped(body)
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
