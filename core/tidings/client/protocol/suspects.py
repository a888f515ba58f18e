"""Which call it is that a server, or a proxy before it, cannot bear. Pure.

A refusal may come without the `ref` of its call, and a connection may break over one of the calls that it carries. The
other calls under way must not suffer for it, and the client must not repeat the one at fault for ever.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Generic, Protocol, TypeVar

from tidings.protocol.problems import Problem, problem

ALONE_AFTER = 3
"""Connections that broke under a call, after which it is sent only when no other such call is under way."""

MAX_BROKEN = 10
"""Connections that broke under a call, after which it is refused."""


class Suspect(Protocol):
    """A call."""

    broken: int
    """How many connections broke while it was under way."""


S = TypeVar("S", bound=Suspect)


class UnattributedRefusals:
    """Refusals without a ref: each is of the call that stays without an answer when all others have theirs."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._suspects: set[int] = set()

    def refuse(self, why: Problem, under_way: Iterable[int]) -> None:
        """Take a refusal; `under_way` are the refs without an answer."""
        self._problems.append(why)
        self._suspects.update(under_way)

    def found(self, under_way: Collection[int]) -> list[tuple[int, Problem]]:
        """Return the calls that are refused for certain, by ref."""
        if not self._problems:
            return []
        self._suspects.intersection_update(under_way)
        if len(self._suspects) > len(self._problems):
            return []
        found = list(zip(sorted(self._suspects), self._problems, strict=False))
        self.clear()
        return found

    def clear(self) -> None:
        """Forget all: the connection is gone, and what has no answer is asked again."""
        self._problems.clear()
        self._suspects.clear()


class IsolatedRetries(Generic[S]):
    """Calls under which connections broke: they are sent one at a time, the least suspicious first."""

    def __init__(self) -> None:
        self._waiting: deque[S] = deque()
        self._ref: int | None = None

    def begin(self, suspects: Iterable[S]) -> None:
        """Take the calls to send on a new connection."""
        self._waiting = deque(sorted(suspects, key=lambda one: one.broken))
        self._ref = None

    def next(self, under_way: Collection[int]) -> S | None:
        """Return the call to send now; None: none, or the last one has no answer yet."""
        if not self._waiting or self._ref in under_way:
            return None
        return self._waiting.popleft()

    def put_back(self, one: S) -> None:
        """Take back a call that may not be sent yet."""
        self._waiting.appendleft(one)

    def asked(self, ref: int) -> None:
        """Take note under which ref it was sent."""
        self._ref = ref


def too_many_breaks(broken: int) -> Problem:
    """Return the refusal of a call under which so many connections broke."""
    return problem(
        "invalid_frame",
        f"{broken} connections broke while this was under way, the last ones over this alone: the server, or a proxy "
        "before it, cannot take it; it is not sent again",
    )
