"""`ctx.call`: a child job, of any kind and in any queue."""

from typing import Any, NamedTuple, Self

import msgspec

from tidings.kind import Kind
from tidings.protocol.problems import problem
from tidings.protocol.steps import StepHead, StepStatus, StepType
from tidings.protocol.tokens import split_token
from tidings.saga.step_errors import SagaUseError
from tidings.schema.codec import encode
from tidings_worker.saga.saga_children import MAX_DEPTH, UNIQUE_RETRY_MS

from .environment import StepEnvironment
from .function_call import step_function_of, undo_of
from .saga_step import SagaStep, UndoFactory, result_of


class ChildUndo(NamedTuple):
    """What undoes a child."""

    name: str
    """Of a function or a kind; empty: nothing undoes it."""
    is_kind: bool

    @classmethod
    def of(cls, undo: Any) -> Self:
        """Return what a handler gave as `undo`: None, the name of a kind, a `@job`, or a function."""
        if undo is None:
            return cls("", False)
        if isinstance(undo, str):
            return cls(undo, True)
        if isinstance(undo, Kind):
            return cls(undo.kind, True)
        return cls(str(getattr(undo, "__name__", "undo")), False)


class ChildStep(SagaStep):
    """A child job, as a step."""

    def __init__(self, environment: StepEnvironment, kind: Any, value: Any, undo: Any, name: str | None) -> None:
        """Prepare.

        Args:
            environment: what the steps of the attempt share.
            kind: the name of the child's kind, or its `@job`.
            value: the child's input.
            undo: what undoes it: a kind, a `@job` or a function; None: nothing does.
            name: of the step; None: the kind's.

        Raises:
            SagaUseError: `kind` is neither.
            TypeError: JSON has no form for the input, or it is no object.

        """
        self._kind = _kind_of(kind)
        self._input = _object_of(self._kind, value)
        self.name = name or self._kind
        self.undo = _undo_factory(self._input, undo, environment)
        self._undo = ChildUndo.of(undo)
        self._environment = environment
        self._read_result = kind.result_of if isinstance(kind, Kind) else None

    async def perform(self, path: str) -> Any:
        """See `SagaStep`."""
        found = await self._run(path)
        return found if self._read_result is None else self._read_result(found)

    async def _run(self, path: str) -> Any:
        environment, journal = self._environment, self._environment.journal_client
        row = await environment.find(path, self.name, StepType.CALL)
        if row is not None and row.head.ok is not None:
            return result_of(row)
        if row is None:
            head, text, submitted = await self._begin(path), self._input, False
        else:
            head = msgspec.structs.replace(row.head, undo=self._undo.name, undo_kind=self._undo.is_kind)
            text = row.input or self._input
            submitted = journal.left_to_wait and not row.head.due
        token = split_token(head.child)

        def ended() -> bool:
            known = journal.journal.rows.get(path)
            return known is not None and known.head.ok is not None

        while not ended():
            due_ms = 0
            if not submitted and not (submitted := await environment.children.submit(path, token, head.kind, text)):
                # The journal gets a timer with this: so the next attempt knows that the child is still to be submitted.
                head = msgspec.structs.replace(head, attempts=head.attempts + 1, owes=1)
                due_ms = (await journal.write(path, head, due_ms=UNIQUE_RETRY_MS)).now_ms + UNIQUE_RETRY_MS
            await environment.waits.wait_for_news(path, ended, due_ms=due_ms, child=True)
        return result_of(journal.journal.rows[path])

    async def _begin(self, path: str) -> StepHead:
        """Record the child before the worker submits it: else a worker that dies leaves a child without a parent.

        Raises:
            StepError: no worker has registered the kind, or the saga is too deep.

        """
        environment, journal = self._environment, self._environment.journal_client
        head = StepHead(
            status=StepStatus.RUNNING, name=self.name, type=StepType.CALL, attempts=1,
            kind=self._kind, undo=self._undo.name, undo_kind=self._undo.is_kind,
        )  # fmt: skip
        if environment.children.too_deep:
            detail = f"{MAX_DEPTH} sagas stand above this job, as many as may; does a kind call itself without end?"
            refused = problem("saga_too_deep", detail, limit=MAX_DEPTH)
            raise await environment.fail(path, head, refused, input=self._input)
        record = await environment.children.find_kind(self._kind)
        if record is None:
            detail = f"no worker has registered the kind {self._kind!r}; start one that serves it"
            raise await environment.fail(path, head, problem("unknown_kind", detail), input=self._input)
        token = environment.children.token_of(record, path)
        head = msgspec.structs.replace(head, child=str(token), owes=1)
        await journal.write(path, head, input=self._input)
        return head


def _kind_of(kind: Any) -> str:
    if isinstance(kind, Kind):
        return kind.kind
    if not isinstance(kind, str) or not kind:
        raise SagaUseError(
            f"ctx.call takes the name of a kind, or its @job; this is {kind!r} (for a function: ctx.step)"
        )
    return kind


def _object_of(kind: str, value: Any) -> str:
    text = encode(value).decode()
    if not text.startswith("{"):
        raise TypeError(f"ctx.call: the input of {kind} must be an object; this is {type(value).__name__}")
    return text


def _undo_factory(text: str, undo: Any, environment: StepEnvironment) -> UndoFactory | None:
    if not callable(undo) or isinstance(undo, Kind):
        return None
    what = step_function_of(undo, (msgspec.json.decode(text),), {}, environment.policy)
    return undo_of(what, undo, environment.policy)
