"""The grammar of programs: what a saga does, made up by Hypothesis, as data that one handler interprets."""

from typing import Literal

import msgspec
from hypothesis import strategies as st

Undo = Literal["", "function", "kind"]
Fails = Literal["", "for_a_time", "for_good", "always"]
"""Not at all; the first time; by its own word; each time, until its retries are used up."""


class Step(msgspec.Struct, frozen=True, tag="step"):
    """A function with an effect."""

    undo: Undo = ""
    fails: Fails = ""
    undo_fails: Fails = ""


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A child job with an effect."""

    undo: Undo = ""
    fails: Fails = ""
    undo_fails: Fails = ""


class Nest(msgspec.Struct, frozen=True, tag="nest"):
    """A child that is a saga itself."""

    body: tuple["Node", ...]
    undo: Undo = ""
    undo_fails: Fails = ""


class Gather(msgspec.Struct, frozen=True, tag="gather"):
    """Branches beside each other."""

    branches: tuple[tuple["Node", ...], ...]


class Sleep(msgspec.Struct, frozen=True, tag="sleep"):
    """A short time."""


class Signal(msgspec.Struct, frozen=True, tag="signal"):
    """A word from outside: one that is given, or one that never comes and is not waited for long."""

    given: bool = True


class Catch(msgspec.Struct, frozen=True, tag="catch"):
    """Another way, if a step fails."""

    body: tuple["Node", ...]


class Stumble(msgspec.Struct, frozen=True, tag="stumble"):
    """The handler raises an error, the first time; then it runs again."""


class Reject(msgspec.Struct, frozen=True, tag="reject"):
    """The handler gives up."""


Node = Step | Call | Nest | Gather | Sleep | Signal | Catch | Stumble | Reject
Body = tuple[Node, ...]

_undo: st.SearchStrategy[Undo] = st.sampled_from(["function", "kind", ""])
_fails: st.SearchStrategy[Fails] = st.sampled_from(["", "", "", "", "for_a_time", "for_good", "always"])
_undo_fails: st.SearchStrategy[Fails] = st.sampled_from(["", "", "", "", "", "", "for_a_time", "for_good", "always"])

_leaf: st.SearchStrategy[Node] = st.one_of(
    st.builds(Step, _undo, _fails, _undo_fails),
    st.builds(Call, _undo, _fails, _undo_fails),
    st.builds(Step, _undo),
    st.builds(Call, _undo),
    st.builds(Sleep),
    st.builds(Signal, st.sampled_from([True, True, False])),
    st.builds(Stumble),
    st.builds(Reject),
)


def _of(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    body = st.lists(nodes, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Nest, body, _undo, _undo_fails),
        st.builds(Gather, st.lists(body, min_size=1, max_size=3).map(tuple)),
        st.builds(Catch, body),
    )


bodies: st.SearchStrategy[Body] = st.lists(
    st.recursive(_leaf, _of, max_leaves=6), min_size=1, max_size=4
).map(tuple)  # fmt: skip
"""Whole programs."""


def signals_in(body: Body) -> int:
    """Return how many signals a program takes, without its children that are programs themselves."""
    count = 0
    for node in body:
        match node:
            case Signal(True):
                count += 1
            case Gather(branches):
                count += sum(map(signals_in, branches))
            case Catch(inner):
                count += signals_in(inner)
            case _:
                pass
    return count
