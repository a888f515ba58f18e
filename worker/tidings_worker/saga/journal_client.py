"""The journal of a running saga: read once, written step by step, and waited on until there is news."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from tidings.errors import StoppedError
from tidings.protocol.problems import Problem, problem
from tidings.protocol.steps import StepHead, StepStatus, encode_head
from tidings.protocol.tokens import Token
from tidings.store.attempt_store import AttemptOutcome
from tidings.store.availability.store_errors import ItemError, ScriptError, StoreClosedError, StoreError
from tidings.store.job_store import MAX_JOURNAL_BYTES
from tidings.store.saga_store import MAX_STEPS, JournalRead, SagaStore, StepWrite, StepWriteReply
from tidings_worker import fork, outcomes

from .branch import Activity
from .journal import Journal, step_key

RECHECK_S = 600.0
"""A saga that waits for children looks at least this often whether the store still knows them: a store that lost
writes may have forgotten a child, or that it has ended."""

IN_PLACE_S = 1.0
"""A shorter time is waited for in the worker."""

_TOO_LONG = (
    f"the journal of this saga is full: it has {MAX_STEPS} steps, or they are larger together than "
    f"{MAX_JOURNAL_BYTES} bytes; split it into children"
)


class JournalHost(Protocol):
    """The attempt whose journal it is."""

    cancelled: bool
    token: str

    @property
    def fence(self) -> int:
        """The attempt's fence."""

    def stop(self, reason: str) -> None:
        """Stop the handler."""

    def refuse(self, refused: Problem) -> None:
        """Stop the handler, and have the job fail for good."""


class JournalReply(Protocol):
    """What every script answers about a journal."""

    @property
    def answer(self) -> str:
        """`ok`, `cancel`, `lost` or `long`."""

    @property
    def now_ms(self) -> int:
        """The store's time."""


Reply = TypeVar("Reply", bound=JournalReply)


@dataclass(eq=False, slots=True)
class BranchWait:
    """A branch that waits for something outside."""

    news: "asyncio.Future[None]"
    is_news: Callable[[], bool]
    due_ms: int
    """When it will not wait any longer, by the store's clock; 0: as long as it takes."""
    signal: str
    child: bool
    over: bool = False
    """Whether its branch counts as one that has something to do."""

    @property
    def hears(self) -> bool:
        """Whether anything but the time can end it."""
        return self.child or self.signal != ""


class JournalClient:
    """One attempt's hold on the journal of its job."""

    def __init__(self, store: SagaStore, host: JournalHost, worker: str) -> None:
        """Prepare; nothing is read before the first step.

        Args:
            store: where the journal lies.
            host: the attempt.
            worker: the name that stands in the steps it takes.

        """
        self.journal = Journal()
        self.activity = Activity()
        self.worker = worker
        self.on_idle: Callable[[], None] = lambda: host.stop("waiting")
        """Called when every branch waits for something outside."""
        self.owner = ""
        """Whose job it is."""
        self.deadline_ms = 0
        """Of the job, by the store's clock; 0: it has none."""
        self.replays = 0
        self.unwinding = ""
        """The state for which the saga has to undo its work; empty: it does not."""
        self.cause = ""
        """JSON text of the problem that caused it; empty: that state says all."""
        self._store = store
        self._host = host
        partition, _, self._id = host.token.rpartition(".")
        self._partition = partition
        self._epoch = 0
        self._parked = 0
        self._woken: int | None = None
        self._offset_ms = 0.0
        self._loop = asyncio.get_running_loop()
        self._loading = asyncio.Lock()
        self._loaded = host.fence == 1  # under the first fence nobody can have recorded anything before
        self._waits: dict[str, BranchWait] = {}
        self._waits_at_exit: list[BranchWait] = []
        self._woken_at_exit = 0
        self._news = False
        """Whether something has woken the saga since its journal was last asked for."""
        self._look: asyncio.Task[None] | None = None

    # Reading.

    async def load(self) -> Journal:
        """Return the journal; asks the store the first time, if there can be one."""
        if not self._loaded:
            async with self._loading:
                if not self._loaded:
                    await self._read()
        return self.journal

    @property
    def left_to_wait(self) -> bool:
        """Whether the attempt before this one left to wait, and was woken: what it had begun, it had begun."""
        return self._parked > 0 and self._parked == self._host.fence - 1

    def key_of(self, path: str) -> str:
        """Return the idempotency key of a step."""
        return step_key(self._host.token, path, self._epoch)

    def look(self) -> None:
        """See whether there is news for a branch that waits, or will, while others keep the saga in its worker."""
        self._news = True
        self._look_if_wanted()

    async def reload(self) -> Journal:
        """Return the journal as it is now."""
        await self._read()
        return self.journal

    def close(self) -> None:
        """End what is left of its tasks."""
        if self._look is not None:
            self._look.cancel()

    def _look_if_wanted(self) -> None:
        if self._look_due and (self._look is None or self._look.done()):
            self._look = asyncio.create_task(self._find_news(), name=f"look {self._host.token}")

    @property
    def _look_due(self) -> bool:
        return self._news and any(wait.hears for wait in self._waits.values())

    async def _find_news(self) -> None:
        while self._look_due:
            self._news = False  # what comes from here on may not be in what is read
            try:
                await self._read()
            except StoppedError:
                return
            for wait in list(self._waits.values()):
                if wait.is_news():
                    self._resolve(wait)

    async def _read(self) -> None:
        reply: JournalRead = await self._until_answered(
            lambda apart: self._store.read(self._partition, self._id, self._host.fence, apart=apart)
        )
        try:
            self.journal = Journal(reply.fields)
        except (ValueError, msgspec.MsgspecError) as error:
            self._host.refuse(outcomes.unreadable_record())
            raise StoppedError("the store holds a journal of this job that cannot be read") from error
        self._woken, self._epoch, self._parked = reply.woken, reply.epoch, reply.parked
        self.replays, self.unwinding, self.cause = reply.replays, reply.unwinding, reply.cause
        self._learn(reply.owner, reply.now_ms, reply.remaining_ms)
        self._loaded = True

    # Writing.

    def put(
        self,
        path: str,
        head: StepHead,
        *,
        input: str = "",  # noqa: A002 - the contract's word
        outcome: str = "",
        undone: str = "",
        due_ms: int = -1,
        signal: str = "",
        apart: bool = False,
    ) -> "asyncio.Future[StepWriteReply]":
        """Send how a step is with the next batch; what is sent later arrives later.

        Args:
            path: the step's.
            head: how it is.
            input: JSON text of what it was called with.
            outcome: JSON text of its result, or of the problem.
            undone: the same of what undoes it.
            due_ms: when it will not wait any longer; -1: it has no such time.
            signal: the name of the signal that it waits for.
            apart: send it without others, because it has been refused with them.

        """
        text = encode_head(msgspec.structs.replace(head, began=0, ended=0, due=0, order=0)).decode()
        step = StepWrite(
            self._id, self._host.fence, path, text[:-1], input, outcome, due_ms, int(head.ok is not None), signal,
            _step_tail(path, head, undone or outcome), undone,
        )  # fmt: skip
        return self._store.write(self._partition, step, apart=apart)

    async def write(self, path: str, head: StepHead, **fields: Any) -> StepWriteReply:
        """Write how a step is, durably; the arguments are those of `put`."""
        reply: StepWriteReply = await self._until_answered(lambda apart: self.put(path, head, **fields, apart=apart))
        self._learn(reply.owner, reply.now_ms, reply.remaining_ms)
        if self._woken is None:
            self._woken = reply.woken  # nothing has been waited for before this
        return reply

    async def _until_answered(self, call: Callable[[bool], Awaitable[Reply]]) -> Reply:
        """Ask the store until it answers, or the attempt is over.

        Args:
            call: asks once; its argument says whether apart from others, since the store has refused it with them.

        """
        fork.end_if_copy()
        refused = False
        while not self._host.cancelled:
            try:
                reply = await call(refused)
            except StoreClosedError:
                break
            except StoreError as error:
                if refused and isinstance(error, ItemError):  # it was asked alone: to ask again would not help
                    self._host.refuse(outcomes.unreadable_record())
                refused = refused or isinstance(error, ScriptError)
                continue  # the next batch leaves the store alone for a while
            if reply.answer == "ok":
                return reply
            if reply.answer == "long":
                self._host.refuse(problem("saga_too_long", _TOO_LONG, limit=MAX_STEPS))
            else:
                self._host.stop(reply.answer)
        raise StoppedError("the attempt is over: nothing more is recorded for it")

    def _learn(self, owner: str, now_ms: int, remaining_ms: int) -> None:
        self.owner = owner
        self._offset_ms = now_ms - self._loop.time() * 1000
        self.deadline_ms = now_ms + remaining_ms if remaining_ms else 0

    # Waiting.

    def now_ms(self) -> int:
        """Return the store's time, as far as it is known here."""
        return int(self._loop.time() * 1000 + self._offset_ms)

    async def wait_for_news(
        self, path: str, is_news: Callable[[], bool], *, due_ms: int = 0, signal: str = "", child: bool = False
    ) -> None:
        """Return when there is news for a step, or its time has come. If nothing else is left to do, the saga leaves.

        Args:
            path: the step's.
            is_news: asked after each look into the journal.
            due_ms: when to return in any case, by the store's clock; 0: never.
            signal: the name of the signal that it waits for, if it does.
            child: whether it waits for a child.

        """
        if is_news():
            return
        left_s = max(due_ms - self.now_ms(), 0) / 1000
        in_place = due_ms > 0 and left_s <= IN_PLACE_S
        wait = BranchWait(self._loop.create_future(), is_news, due_ms, signal, child, over=in_place)
        timer = self._loop.call_later(left_s, self._resolve, wait) if due_ms else None
        self._waits[path] = wait
        try:
            if not in_place:
                self.activity.block()
                self.leave_if_idle()
            self._look_if_wanted()  # it may have come before anyone waited for it
            await wait.news
        finally:
            if timer is not None:
                timer.cancel()
            del self._waits[path]
            self._resolve(wait)  # if it was cancelled, the branch has something to do again

    def _resolve(self, wait: BranchWait) -> None:
        if not wait.over:
            wait.over = True
            self.activity.resume()
        if not wait.news.done():
            wait.news.set_result(None)

    def leave_if_idle(self) -> None:
        """Have the saga leave its worker if every branch waits for something outside."""
        # Once: as it leaves, one branch after the other is cancelled, and waits no more. And what is read while it
        # leaves is seen by nobody: the next attempt has to be woken for it.
        if self.activity.idle and not self._host.cancelled:
            self._waits_at_exit = list(self._waits.values())
            self._woken_at_exit = self._woken or 0
            self.on_idle()

    def waiting_outcome(self) -> AttemptOutcome:
        """Return what the attempt reports that leaves to wait."""
        dues = [wait.due_ms - self.now_ms() for wait in self._waits_at_exit if wait.due_ms]
        if any(wait.child for wait in self._waits_at_exit):
            dues.append(int(RECHECK_S * 1000))
        awaits = " ".join(sorted({wait.signal for wait in self._waits_at_exit if wait.signal}))
        return outcomes.waiting(max(min(dues), 0) if dues else -1, self._woken_at_exit, f" {awaits} " if awaits else "")


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


def token_from_text(text: str) -> Token:
    """Return the halves of a token that the store gave."""
    partition, _, job = text.rpartition(".")
    return Token(partition, job)
