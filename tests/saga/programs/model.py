"""What a program comes to where nobody stops it, however often its workers die. A plain evaluation, in a few lines."""

from typing import Any, NamedTuple

from saga.programs.program import Body, Call, Catch, Fails, Gather, Nest, Node, Reject, Signal, Sleep, Step

CODES: dict[Fails, str] = {"for_good": "rejected", "always": "attempts_exhausted"}
"""The problems of what fails."""


class End(NamedTuple):
    """How a program ends."""

    state: str
    """`succeeded` or `failed`."""
    code: str = ""
    """Of the problem."""
    values: Any = None
    """What it returns."""


class _FailedError(Exception):
    """A step has failed for good (`caught`: that can be caught), or the handler has given up."""

    def __init__(self, code: str, *, caught: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.caught = caught


def expected(body: Body) -> End:
    """Return how a program ends."""
    try:
        return End("succeeded", values=_all(body))
    except _FailedError as error:
        return End("failed", error.code)


def _all(body: Body) -> list[Any]:
    return [_one(node) for node in body]


def _one(node: Node) -> Any:  # noqa: PLR0911 - a line for each sort
    match node:
        case Step(_, fails) | Call(_, fails):
            if fails in CODES:
                raise _FailedError(CODES[fails])
            return "step" if isinstance(node, Step) else "call"
        case Nest(body):
            end = expected(body)
            if end.state == "failed":
                raise _FailedError(end.code)
            return end.values
        case Gather(branches):
            return _gather(branches)
        case Sleep():
            return None
        case Signal(given):
            if not given:
                raise _FailedError("timeout")
            return "signal"
        case Catch(body):
            return _catch(body)
        case Reject():
            raise _FailedError("rejected", caught=False)
        case _:
            return "stumbled"


def _gather(branches: tuple[Body, ...]) -> list[Any]:
    """All of them are waited for; then what the first of them raised is raised."""
    found: list[Any] = []
    for branch in branches:
        try:
            found.append(_all(branch))
        except _FailedError as error:
            found.append(error)
    for one in found:
        if isinstance(one, _FailedError):
            raise one
    return found


def _catch(body: Body) -> Any:
    try:
        return _all(body)
    except _FailedError as error:
        if error.caught:
            return error.code
        raise
