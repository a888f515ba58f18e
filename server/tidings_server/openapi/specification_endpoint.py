"""The endpoints `GET /openapi.json` and `GET /asyncapi.json`.

The server makes a document at the first request for it, in a thread: most servers never need one.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings_server.web.responses import HEADERS

from .specification import asyncapi, openapi

MAX_ROOTS = 16
"""Documents that the server keeps: an application may mount it under several paths."""


class SpecificationEndpoints:
    """Serve the documents that describe the contract to programs."""

    def __init__(self, ways: tuple[str, ...]) -> None:
        """Prepare.

        Args:
            ways: in which clients say who they are.

        """
        self._ways = ways
        self._made: dict[tuple[str, str], bytes] = {}
        self._making = asyncio.Lock()

    async def openapi(self, request: Request) -> Response:
        """Answer with the OpenAPI document, whose server is where this one is mounted."""
        root = str(request.scope.get("root_path", "")).rstrip("/")
        return await self._document("openapi", root, partial(openapi, self._ways, root))

    async def asyncapi(self, _: Request) -> Response:
        """Answer with the AsyncAPI document."""
        return await self._document("asyncapi", "", asyncapi)

    async def _document(self, name: str, root: str, make: Callable[[], dict[str, Any]]) -> Response:
        async with self._making:
            made = self._made.get((name, root))
            if made is None:
                made = await anyio.to_thread.run_sync(lambda: msgspec.json.encode(make()))
                if len(self._made) >= MAX_ROOTS:
                    self._made.clear()
                self._made[name, root] = made
        # A new response each time: the middleware that sends it may compress its body.
        return Response(made, headers=HEADERS, media_type="application/json")
