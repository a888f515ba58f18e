"""A tag that a client follows by a grant."""

from collections.abc import Callable, Collection

from tidings.protocol.problems import Problem
from tidings_server.auth.grant import Grant, TagScope
from tidings_server.watch.granted_watches import GrantedWatch, GrantedWatches


class GrantedTag(GrantedWatch):
    """The follow of one tag."""

    __slots__ = ("_leave", "_tell", "scope")

    again = "follow the tag again with a fresh one"

    def __init__(
        self,
        scope: TagScope,
        grants: Collection[Grant],
        watches: GrantedWatches,
        tell: Callable[[Problem], None],
        leave: Callable[[], None],
    ) -> None:
        """Begin; the caller adds it to `watches`.

        Args:
            scope: of the grants that allow it.
            grants: those that came with the request.
            watches: all that the client follows by grants.
            tell: sends a problem that concerns the tag.
            leave: ends the follow.

        """
        super().__init__(self, grants, watches)
        self.scope = scope
        self._tell = tell
        self._leave = leave

    def allowed_by(self, grant: Grant) -> bool:
        """Return whether a grant that may be over allows the follow."""
        return "watch" in grant.may and grant.scope == self.scope

    def tell(self, problem: Problem) -> None:
        """Send a problem that concerns the tag."""
        self._tell(problem)

    def leave(self) -> None:
        """End the follow."""
        self._leave()
