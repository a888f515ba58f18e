"""The tools as they are now."""

from collections.abc import Callable

from tidings_server.kinds.kind_catalog import KindCatalog

from .listed_tools import ListedTools


class ToolCatalog:
    """Makes the tools again when the kinds have changed."""

    def __init__(self, kinds: Callable[[], KindCatalog]) -> None:
        """Prepare.

        Args:
            kinds: returns the kinds of this moment.

        """
        self._kinds = kinds
        self._tools = ListedTools(kinds())

    @property
    def now(self) -> ListedTools:
        """The tools of this moment."""
        catalog = self._kinds()
        if catalog is not self._tools.catalog:
            self._tools = ListedTools(catalog)
        return self._tools
