"""Compensation: a saga that failed, was cancelled or has expired undoes its steps, the last first."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec

from tidings.protocol.kinds.schema_reference import resolve_reference
from tidings.protocol.problems import Problem, problem
from tidings.protocol.states import State
from tidings.protocol.steps import StepHead, StepStatus
from tidings.protocol.tokens import split_token
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings_worker.outcome import outcomes
from tidings_worker.runner.runner import HandlerOutcome, Raised, Returned

from .journal import DIVERGED, JournalRow
from .saga import Saga
from .saga_children import UNDO_SUFFIX, UNIQUE_RETRY_MS
from .steps.function_call import StepFunction, Tries
from .steps.function_step import log_failure

_DEFAULT_CAUSES = {
    State.CANCELLED: "a client or an operator asked that the job stop",
    State.EXPIRED: "the job's deadline passed",
    State.FAILED: "the job failed",
}

_decode_problem = msgspec.json.Decoder(Problem).decode


class CompensationRun:
    """A compensation that is under way: a `Run`, as a handler's."""

    def __init__(self, work: Coroutine[Any, Any, AttemptOutcome], token: str) -> None:
        self._work = work
        self.outcome: AttemptOutcome | None = None
        self.ended: asyncio.Task[HandlerOutcome] = asyncio.create_task(self._run(), name=f"unwind {token}")

    def stop(self) -> None:
        """Cancel it."""
        self.ended.cancel()

    def kill(self) -> bool:
        """Cancel it once more: it runs in the event loop, where the worker has no stronger means."""
        self.ended.cancel()
        return False

    async def _run(self) -> HandlerOutcome:
        try:
            self.outcome = await self._work
        except Exception as error:  # noqa: BLE001 - the attempt reports it
            return Raised(error)
        return Returned(b"")


class Compensator:
    """Undoes the steps of one saga."""

    def __init__(self, saga: Saga) -> None:
        """Prepare; the journal client has read the journal, and the handler has said how its steps are undone."""
        self._saga = saga
        self._journal_client = saga.journal_client
        self._environment = saga.environment
        self._state = state = State(saga.journal_client.unwinding)
        cause = saga.journal_client.cause
        self._cause = _decode_problem(cause) if cause else problem(str(state), _DEFAULT_CAUSES[state])
        self._undid = False

    async def run(self) -> AttemptOutcome:
        """Undo all steps, or those before the first that cannot be undone; return how the saga ends.

        Raises:
            StoppedError: the attempt is over.

        """
        await self._stop_children()
        for row in self._journal_client.journal.to_undo():
            refused, error = await self._undo(row)
            if refused is not None:
                return self._incomplete(row, refused, error)
        compensation = "complete" if self._journal_client.journal.undone or self._undid else ""
        return outcomes.unwound(self._state, self._cause, compensation=compensation)

    def _incomplete(self, row: JournalRow, refused: Problem, error: BaseException | None) -> AttemptOutcome:
        found = {"step": row.head.name, "path": row.path, "undo": row.head.undo, "detail": refused.detail}
        told = msgspec.structs.replace(
            self._cause,
            detail=f"{self._cause.detail}; step {row.path} ({row.head.name}) could not be undone: {refused.detail}",
            errors=[found, *(self._cause.errors or ())],
        )
        return outcomes.unwound(self._state, told, compensation="incomplete", error=error)

    # Children that still run.

    async def _stop_children(self) -> None:
        for row in list(self._journal_client.journal.under_way()):
            token = split_token(row.head.child)
            answer = await self._environment.children.stop(token, row.head.kind)
            if answer == "unknown":  # the worker had not submitted it yet; from now on the store refuses it
                refused = problem("cancelled", "the saga was stopped before the child was made")
                failed = msgspec.structs.replace(row.head, status=StepStatus.FAILED, ok=False, owes=0)
                await self._journal_client.write(row.path, failed, outcome=msgspec.json.encode(refused).decode())
                await self._journal_client.reload()
            else:
                await self._wait(row.path, lambda head: head.ok is not None)

    async def _wait(self, path: str, is_over: Callable[[StepHead], bool]) -> JournalRow:
        """Return the step's row when its child has ended."""

        def come() -> bool:
            return is_over(self._journal_client.journal.rows[path].head)

        while not come():
            await self._environment.waits.wait_for_news(path, come, child=True)
        return self._journal_client.journal.rows[path]

    # One step.

    async def _undo(self, row: JournalRow) -> tuple[Problem | None, BaseException | None]:
        """Undo a step; return the problem and the error if that failed for good."""
        self._undid = True
        if row.head.undo_kind:
            return await self._undo_by_child(row), None
        undo = self._saga.undos.get(row.path)
        if undo is None:
            detail = (
                f"the handler, run again to undo its work, did not come to step {row.path} ({row.head.name}), and so "
                "did not say how to undo it"
            )
            if self._saga.holds_diverged:
                raise self._environment.refuse_diverged(row.path, detail)
            refused = problem(DIVERGED, detail)
            await self._save(row, StepStatus.COMPENSATION_FAILED, outcome=refused)
            return refused, None
        return await self._undo_by_function(row, undo(msgspec.json.decode(row.result)))

    async def _undo_by_function(
        self, row: JournalRow, what: StepFunction
    ) -> tuple[Problem | None, BaseException | None]:
        async def save(tries: Tries, after: float | None) -> None:
            due_ms = -1 if after is None else int(after * 1000)
            await self._save(row, StepStatus.COMPENSATING, tries, due_ms=due_ms)

        goes_on = row.head.status is StepStatus.COMPENSATING
        if goes_on and row.head.due:
            await self._environment.waits.wait_until(row.path, row.head.due)
        before = Tries(row.head.undo_attempts, row.head.undo_failures) if goes_on else Tries()
        key, pause = self._journal_client.key_of(row.path), self._environment.pause_of(row.path)
        ended = await self._environment.caller.call_until_done(what, key, save, pause, before, undoes=True)
        if ended.problem is not None:
            log_failure(row.path, ended)
            await self._save(row, StepStatus.COMPENSATION_FAILED, ended.tries, outcome=ended.problem)
            return ended.problem, ended.error
        await self._save(row, StepStatus.COMPENSATED, ended.tries)
        return None, None

    async def _undo_by_child(self, row: JournalRow) -> Problem | None:
        children = self._environment.children
        record = await children.find_kind(row.head.undo)
        goes_on = row.head.status is StepStatus.COMPENSATING and row.head.undo_child != ""
        if goes_on:
            token = split_token(row.head.undo_child)
        elif record is None:
            refused = problem("unknown_kind", f"no worker has registered the kind {row.head.undo!r}; start one")
            await self._save(row, StepStatus.COMPENSATION_FAILED, outcome=refused)
            return refused
        else:
            token = children.token_of(record, row.path + UNDO_SUFFIX)
            await self._save(row, StepStatus.COMPENSATING, child=str(token))
        submitted = goes_on and self._journal_client.left_to_wait
        while not submitted:
            text = _input_of(row, {} if record is None else msgspec.json.decode(record.input))
            submitted = await children.submit(row.path + UNDO_SUFFIX, token, row.head.undo, text)
            if not submitted:
                await self._environment.pause_of(row.path)(UNIQUE_RETRY_MS / 1000)

        def over(head: StepHead) -> bool:
            known = head.undo_child == str(token)
            return known and head.status in (StepStatus.COMPENSATED, StepStatus.COMPENSATION_FAILED)

        after = await self._wait(row.path, over)
        return None if after.head.status is StepStatus.COMPENSATED else _decode_problem(after.undone)

    async def _save(
        self,
        row: JournalRow,
        status: StepStatus,
        tries: Tries | None = None,
        *,
        child: str = "",
        due_ms: int = -1,
        outcome: Problem | None = None,
    ) -> None:
        attempts, failures = (
            (tries.attempts, tries.failures) if tries else (row.head.undo_attempts, row.head.undo_failures)
        )
        head = msgspec.structs.replace(
            row.head, status=status, undo_attempts=attempts, undo_failures=failures,
            undo_child=child or row.head.undo_child,
            owes=int(status is not StepStatus.COMPENSATED),
        )  # fmt: skip
        problem_text = msgspec.json.encode(outcome).decode() if outcome is not None else ""
        await self._journal_client.write(row.path, head, undone=problem_text, due_ms=due_ms)


def _input_of(row: JournalRow, schema: Mapping[str, Any]) -> str:
    """Return the input of the child that undoes a step: the step's own, and its result if the kind has such a field."""
    value = msgspec.json.decode(row.input) if row.input else {}
    if "result" in resolve_reference(schema, schema).get("properties", {}):
        value = {**value, "result": msgspec.json.decode(row.result)}
    return msgspec.json.encode(value).decode()
