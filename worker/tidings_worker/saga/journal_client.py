"""The journal of a running saga as its worker uses it: read once, written step by step."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec

from tidings.errors import StoppedError
from tidings.protocol.problems import Problem, problem
from tidings.protocol.steps import StepHead, StepStatus, encode_head
from tidings.protocol.tokens import split_token
from tidings.store.answers import JournalAnswer
from tidings.store.jobs.job_store import MAX_JOURNAL_BYTES
from tidings.store.saga_store import MAX_STEPS, JournalRead, SagaStore, StepWrite, StepWriteReply
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.stop_reason import StopReason
from tidings_worker.until_answered import AttemptAsker, until_answered

from .journal import Journal, step_key
from .step_transitions import check_transition

_TOO_LONG = (
    f"the journal of this saga is full: it has {MAX_STEPS} steps, or they are larger together than "
    f"{MAX_JOURNAL_BYTES} bytes; split it into children"
)


class JournalHost(Protocol):
    """The attempt whose journal it is."""

    token: str

    @property
    def cancelled(self) -> bool:
        """Whether the attempt is over."""

    @property
    def fence(self) -> int:
        """The attempt's fence."""

    def stop(self, reason: StopReason) -> object:
        """Stop the handler."""

    def refuse(self, refused: Problem) -> None:
        """Stop the handler, and have the job fail for good."""


Reply = TypeVar("Reply", JournalRead, StepWriteReply)


class JournalClient:
    """Reads and writes the journal of one job, under the fence of one attempt."""

    def __init__(self, store: SagaStore, host: JournalHost, worker: str) -> None:
        """Prepare; the client reads nothing before the first step.

        Args:
            store: where the journal lies.
            host: the attempt.
            worker: the name of the worker, which the client writes into the steps.

        """
        self.journal = Journal()
        """As the client read it last; what it has written since is not in it."""
        self.worker = worker
        self.owner = ""
        """The tenant whose job it is."""
        self.deadline_ms = 0
        """Of the job, by the store's clock; 0: it has none."""
        self.replays = 0
        """How often an operator replayed the job's dead letter."""
        self.unwinding = ""
        """The state for which the saga has to undo its work; empty: it does not."""
        self.cause = ""
        """JSON text of the problem that caused the unwinding; empty: the state alone explains it."""
        self.woken: int | None = None
        """How often the job had been woken when the store last answered; None: it has not answered yet."""
        self._store = store
        self._host = host
        self._partition, self._id = split_token(host.token)
        self._epoch = 0
        self._parked = 0
        self._statuses: dict[str, StepStatus] = {}
        """Of each step, as the client last read or wrote it."""
        self._offset_ms = 0.0
        self._loop = asyncio.get_running_loop()
        self._loading = asyncio.Lock()
        self._loaded = host.fence == 1  # under the first fence no attempt before this one can have written a step

    # Reading.

    async def load(self) -> Journal:
        """Return the journal; the first call reads it, unless no earlier attempt can have written any."""
        if not self._loaded:
            async with self._loading:
                if not self._loaded:
                    await self.reload()
        return self.journal

    async def reload(self) -> Journal:
        """Read the journal again, and return it."""
        reply: JournalRead = await self._until_answered(
            lambda apart: self._store.read(self._partition, self._id, self._host.fence, apart=apart)
        )
        try:
            self.journal = Journal(reply.fields)
        except (ValueError, msgspec.MsgspecError) as error:
            self._host.refuse(outcomes.unreadable_record())
            raise StoppedError("the store holds a journal of this job that cannot be read") from error
        # The store may have read the journal before it took what this client has sent since: that counts all the same.
        self._statuses = {path: row.head.status for path, row in self.journal.rows.items()} | self._statuses
        self.woken, self._epoch, self._parked = reply.woken, reply.epoch, reply.parked
        self.replays, self.unwinding, self.cause = reply.replays, reply.unwinding, reply.cause
        self._learn(reply.owner, reply.now_ms, reply.remaining_ms)
        self._loaded = True
        return self.journal

    @property
    def left_to_wait(self) -> bool:
        """Whether the attempt before this one left to wait: then it had submitted all children whose steps run."""
        return self._parked > 0 and self._parked == self._host.fence - 1

    def key_of(self, path: str) -> str:
        """Return the idempotency key of a step."""
        return step_key(self._host.token, path, self._epoch)

    def memo_of(self, name: str) -> str:
        """Return the name of a memo that counts until an operator's replay empties the journal."""
        return name + (f"~{self._epoch}" if self._epoch else "")

    def now_ms(self) -> int:
        """Return the store's time, computed from its last answer."""
        return int(self._loop.time() * 1000 + self._offset_ms)

    # Writing.

    def put(self, path: str, head: StepHead, **fields: Any) -> "asyncio.Future[StepWriteReply]":
        """Send a step with the next batch; the store takes the steps of one client in the order of these calls.

        Args:
            path: the step's.
            head: its status and all else that the journal keeps in the head.
            fields: `input`: JSON text of the step's arguments; `outcome`: JSON text of its result, or of the problem;
                `undone`: JSON text of the problem with which its undoing failed; `due_ms`: until its timer, from the
                moment the store takes this; `signal`: `name:n` of the signal that it waits for: the reply has its
                value if it has come.

        Raises:
            IllegalStepTransitionError: the status may not follow that of the step.

        """
        return self._store.write(self._partition, self._item(path, head, **fields))

    async def write(self, path: str, head: StepHead, **fields: Any) -> StepWriteReply:
        """Write a step, and return when the store has it; the arguments are those of `put`."""
        item = self._item(path, head, **fields)
        reply: StepWriteReply = await self._until_answered(
            lambda apart: self._store.write(self._partition, item, apart=apart)
        )
        self._learn(reply.owner, reply.now_ms, reply.remaining_ms)
        if self.woken is None:
            self.woken = reply.woken  # no branch has waited before this
        return reply

    def _item(
        self,
        path: str,
        head: StepHead,
        *,
        input: str = "",  # noqa: A002 - the contract's word
        outcome: str = "",
        undone: str = "",
        due_ms: int = -1,
        signal: str = "",
    ) -> StepWrite:
        check_transition(path, self._statuses.get(path), head.status)
        self._statuses[path] = head.status
        # The script adds the four that are cleared here: it alone has the store's clock, and counts the ends of steps.
        text = encode_head(msgspec.structs.replace(head, began=0, ended=0, due=0, order=0)).decode()
        return StepWrite(
            self._id, self._host.fence, path, text[:-1], input, outcome, due_ms, int(head.ok is not None), signal,
            _step_tail(path, head, undone or outcome), undone,
        )  # fmt: skip

    async def _until_answered(self, call: Callable[[bool], Awaitable[Reply]]) -> Reply:
        """Ask the store until it answers with what lets the saga go on, or the attempt is over."""
        asker = AttemptAsker(self._host)
        return await until_answered(call, asker, accepts=lambda reply: self._accepts(reply.answer))

    def _accepts(self, answer: JournalAnswer) -> bool:
        """Return whether an answer lets the saga go on; stop the attempt if it does not."""
        match answer:
            case JournalAnswer.OK:
                return True
            case JournalAnswer.LONG:
                self._host.refuse(problem("saga_too_long", _TOO_LONG, limit=MAX_STEPS))
            case JournalAnswer.CANCEL | JournalAnswer.LOST:
                self._host.stop(StopReason(answer.value))
        return False

    def _learn(self, owner: str, now_ms: int, remaining_ms: int) -> None:
        self.owner = owner
        self._offset_ms = now_ms - self._loop.time() * 1000
        self.deadline_ms = now_ms + remaining_ms if remaining_ms else 0


def _step_tail(path: str, head: StepHead, outcome: str) -> str:
    """Return the frame of the event from `"event"` on."""
    data: dict[str, Any] = {"name": head.name, "path": path, "type": head.type, "status": head.status}
    if head.child:
        data["child"] = head.child
    if head.undo_child:
        data["undo_child"] = head.undo_child
    if outcome and (head.status in (StepStatus.FAILED, StepStatus.COMPENSATION_FAILED)):
        data["problem"] = msgspec.Raw(outcome.encode())
    return f'"event":"step","status":"running","data":{msgspec.json.encode(data).decode()}}}'
