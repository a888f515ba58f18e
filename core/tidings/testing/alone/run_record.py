"""What the store would keep of the one job that `run` runs: its journal, its memos, and what it reported."""

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.states import State
from tidings.protocol.steps import StepHead, StepStatus, decode_head, encode_head
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport
from tidings.store.saga_store import StepWrite
from tidings.store.streams.stream_records import KeepChunks, StreamChunks

UNWOUND_STATES = frozenset({State.FAILED, State.CANCELLED, State.EXPIRED})
"""Outcomes before which a saga undoes what it owes."""


class RunRecord:
    """One job, as far as its attempt asks for it. Sleeps take no time: the clock here jumps over them."""

    def __init__(self, now_ms: int, signals: dict[str, list[str]]) -> None:
        """Begin.

        Args:
            now_ms: the time, ms since the epoch.
            signals: name → the values (JSON text) of the signals that have come.

        """
        self.now_ms = now_ms
        self.fence: int = 0
        self.woken: int = 0
        self.epoch: int = 0
        """How often the saga began again with an empty journal."""
        self.parked = 0
        self.unwinding: str = ""
        self.cause: str = ""
        self.memos: dict[str, str] = {}
        self.progress: list[str] = []
        self.log: list[str] = []
        self.said: dict[str, list[str]] = {}
        """Stream → its chunks, JSON texts."""
        self.earlier: dict[str, list[str]] = {}
        """Stream → what the attempt before said."""
        self.outcome: AttemptOutcome | None = None
        """Of the last run of the handler."""
        self.journal: dict[str, str] = {
            f"signal:{name}:{number}": value
            for name, values in signals.items()
            for number, value in enumerate(values, start=1)
        }
        self._ends = 0
        self._own: set[str] = set()
        """The streams that this run of the handler has written to."""

    def begin_run(self) -> None:
        """Take note that the handler runs, for the first time or again."""
        self.fence += 1
        self.earlier |= self.said
        self._own.clear()

    # Reports.

    def take(self, report: AttemptReport) -> bool:
        """Take a report; return whether its outcome turns the job: what it has done is to be undone first."""
        for event in report.events:
            match event:
                case (event_class, text):
                    (self.log if event_class is EventClass.LOG else self.progress).append(text)
                case StreamChunks():
                    self.said[event.stream] = [
                        *(self.said[event.stream] if event.stream in self._own else ()),
                        *event.chunks,
                    ]
                    self._own.add(event.stream)
                case KeepChunks():
                    known = self.said if event.stream in self._own else self.earlier
                    self.said[event.stream] = known.get(event.stream, [])[: event.kept]
                    self._own.add(event.stream)
        self.outcome = outcome = report.outcome
        if outcome is None or outcome.state not in UNWOUND_STATES or self.unwinding or not self.owes:
            return False
        self.unwinding, self.cause = str(outcome.state), outcome.value if outcome.field == "problem" else ""
        return True

    # The journal.

    @property
    def owes(self) -> bool:
        """Whether a step is to be undone."""
        return any(head.owes for head in self.heads().values())

    def heads(self) -> dict[str, StepHead]:
        """Return the steps by their paths."""
        return {path: decode_head(text) for path, text in self.journal.items() if path.replace(".", "").isdigit()}

    def write(self, step: StepWrite) -> str:
        """Write a step as `step.lua` does; return the value of the signal that it waits for."""
        old = self.heads().get(step.path)
        changes = {"began": old.began if old else self.now_ms}
        if step.due_ms >= 0:
            changes["due"] = self.now_ms + step.due_ms
        if step.ended:
            changes |= self._end_of(old)
        self._put(step.path, msgspec.structs.replace(decode_head(step.head + "}"), **changes))
        for part, text in ((":in", step.input), (":out", step.outcome), (":undone", step.undone)):
            if text:
                self.journal[step.path + part] = text
        return self.journal.get(f"signal:{step.signal}", "") if step.signal else ""

    def end_child(self, path: str, outcome: str, *, ok: bool, unknown: bool = False) -> None:
        """Take note of how a child has ended, as `wake.lua` does."""
        undoes = path.endswith("u")
        path = path.removesuffix("u")
        head = self.heads()[path]
        if undoes:
            status = StepStatus.COMPENSATED if ok else StepStatus.COMPENSATION_FAILED
            ended = msgspec.structs.replace(head, status=status, owes=0 if ok else head.owes)
        else:
            kept = head.undo and (ok or unknown)
            ended = msgspec.structs.replace(
                head, status=StepStatus.SUCCEEDED if ok else StepStatus.FAILED, ok=ok, unknown=unknown,
                owes=head.owes if kept else 0, **self._end_of(head),
            )  # fmt: skip
        self._put(path, ended)
        self.journal[path + (":undone" if undoes else ":out")] = outcome
        self.woken += 1

    def _end_of(self, old: StepHead | None) -> dict[str, int]:
        if old is not None and old.order:
            return {"ended": old.ended, "order": old.order}
        self._ends += 1
        return {"ended": self.now_ms, "order": self._ends}

    def _put(self, path: str, head: StepHead) -> None:
        self.journal[path] = encode_head(head).decode()
