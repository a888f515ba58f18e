"""The endpoints `GET /openapi.json` and `GET /asyncapi.json`.

A document is made when it is first asked for, in a thread: a server starts without it, and most never need it.
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
"""Documents that are kept: an application may mount one server under several paths."""


class SpecificationEndpoints:
    """What programs read of the contract."""

    def __init__(self, auth: str) -> None:
        """Prepare.

        Args:
            auth: the setting of that name.

        """
        self._auth = auth
        self._made: dict[tuple[str, str], bytes] = {}
        self._making = asyncio.Lock()

    async def openapi(self, request: Request) -> Response:
        """Answer with the OpenAPI document, whose server is where this one is mounted."""
        root = str(request.scope.get("root_path", "")).rstrip("/")
        return await self._document("openapi", root, partial(openapi, self._auth, root))

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
        # A new answer each time: what sends it may compress its body.
        return Response(made, headers=HEADERS, media_type="application/json")
