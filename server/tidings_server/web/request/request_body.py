"""The body of an HTTP request, read up to a limit."""

import asyncio
import re

from starlette.requests import ClientDisconnect, Request

from tidings.protocol.problems import problem_error

from .json_limits import too_large

_LENGTH = re.compile(r"[0-9]{1,19}")
"""What a server lets through as `Content-Length`; Python refuses to read a number of thousands of digits."""


async def read_body(request: Request, limit: int, within_s: float) -> bytes:
    """Return the body, refusing one larger than `limit` bytes before it is read whole.

    Raises:
        ProblemError: `too_large`, or `invalid_frame` if it does not come within `within_s` seconds.

    """
    try:
        async with asyncio.timeout(within_s):
            return await _read_body(request, limit)
    except TimeoutError:
        raise problem_error("invalid_frame", f"the body did not come within {within_s:g} s") from None


async def _read_body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if _LENGTH.fullmatch(declared) and int(declared) > limit:
        raise too_large(int(declared), limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(size, limit)
        if not message.get("more_body", False):
            break
        parts.append(part)
    return b"".join((*parts, part)) if parts else part
