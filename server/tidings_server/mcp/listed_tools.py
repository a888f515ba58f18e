"""The tools: the kinds that say `@job(mcp=True)`, as far as a client may submit them."""

from bisect import bisect_right
from typing import Any, NamedTuple

import msgspec
import structlog
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ListToolsResult, Tool

from tidings.protocol.kinds.kind_record import KindRecord
from tidings_server.auth.identity import Identity
from tidings_server.kinds.kind_catalog import KindCatalog

from .tool_schema import ResultForm, input_schema, output_schema

log = structlog.get_logger()

PAGE = 100
"""Tools in one answer to `tools/list`."""


class ListedTool(NamedTuple):
    """One kind as a tool."""

    tool: Tool
    shape: ResultForm


class ListedTools:
    """The tools of one catalog of kinds."""

    def __init__(self, catalog: KindCatalog) -> None:
        self.catalog = catalog
        self._tools: dict[str, ListedTool] = {}
        for name, record in sorted(catalog.records.items()):
            if record.mcp:
                self._offer(name, record)
        self._names = list(self._tools)

    def get(self, name: str, identity: Identity) -> ListedTool | None:
        """Return a tool by its name; None: it is not offered to this client."""
        return self._tools.get(name) if identity.may_submit(name) else None

    def shape(self, name: str) -> ResultForm:
        """Return how results of a kind are shown, whether or not it is a tool."""
        found = self._tools.get(name)
        return ResultForm.UNTOLD if found is None else found.shape

    def page(self, identity: Identity, cursor: str | None) -> ListToolsResult:
        """Return a page of the tools that a client may call, by their names.

        Args:
            identity: the client.
            cursor: the last name of the page before; None: the first page.

        Raises:
            MCPError: the cursor is none.

        """
        if cursor is not None and not cursor.isprintable():
            raise MCPError(INVALID_PARAMS, "`cursor` is none that this server gave")
        start = 0 if cursor is None else bisect_right(self._names, cursor)
        mine = self.mine(identity, start)
        more = mine[PAGE - 1].name if len(mine) > PAGE else None
        return ListToolsResult(tools=mine[:PAGE], next_cursor=more)

    def mine(self, identity: Identity, start: int = 0) -> list[Tool]:
        """Return the tools that a client may call, by their names, from the `start`-th of all on."""
        if not identity.allows("submit"):
            return []
        return [self._tools[name].tool for name in self._names[start:] if identity.may_submit(name)]

    def _offer(self, name: str, record: KindRecord) -> None:
        try:
            takes: dict[str, Any] = msgspec.json.decode(record.input)
            returns, shape = output_schema(msgspec.json.decode(record.result))
            tool = Tool(
                name=name,
                description=record.description or None,
                input_schema=input_schema(takes),
                output_schema=returns,
            )
        except (ValueError, TypeError, AttributeError) as error:
            # A worker wrote the record: it may cost its tool alone.
            log.warning("tool_left_out", kind=name, error=str(error))
            return
        self._tools[name] = ListedTool(tool, shape)
