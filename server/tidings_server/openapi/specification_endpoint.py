"""The endpoints `GET /openapi.json`, `GET /asyncapi.json` and `GET /v1/schemas`.

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

from tidings.protocol.decoding.name_suggestions import MAX_NAME, name_hint, shortened_name
from tidings.protocol.problems import problem
from tidings_server.web.responses import HEADERS, json_response, problem_response

from .schema_documents import Schema, schema_documents
from .specification import SchemaList, asyncapi, openapi

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
        self._schemas: dict[str, Schema] = {}
        self._making = asyncio.Lock()

    async def openapi(self, request: Request) -> Response:
        """Answer with the OpenAPI document, whose server is where this one is mounted."""
        root = str(request.scope.get("root_path", "")).rstrip("/")
        return await self._document("openapi", root, partial(openapi, self._ways, root))

    async def asyncapi(self, _: Request) -> Response:
        """Answer with the AsyncAPI document."""
        return await self._document("asyncapi", "", asyncapi)

    async def schema_list(self, _: Request) -> Response:
        """Answer `GET /v1/schemas` with the names of the types of the contract."""
        return json_response(SchemaList([*await self._types()]))

    async def schema(self, request: Request) -> Response:
        """Answer `GET /v1/schemas/{name}` with the JSON Schema of a type; 404 `unknown_name`."""
        name, types = request.path_params["name"], await self._types()
        if name not in types:
            field = "/name" if len(name) <= MAX_NAME else None
            detail = f"the contract has no type `{shortened_name(name)}`; {name_hint(name, types)}"
            return problem_response(problem("unknown_name", detail, field=field))
        return Response(msgspec.json.encode(types[name]), headers=HEADERS, media_type="application/schema+json")

    async def _types(self) -> dict[str, Schema]:
        async with self._making:
            if not self._schemas:
                self._schemas = await anyio.to_thread.run_sync(lambda: schema_documents(openapi(), asyncapi()))
        return self._schemas

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
