"""What the model of the store remembers of one job."""

from dataclasses import dataclass, field

from model.model_streams import ModelStreams
from tidings.protocol.states import TRANSITIONS, State
from tidings.store.attempts.attempt_store import ReadyEntry


@dataclass
class ModelJob:
    state: State
    caller: str = ""
    unique: str = ""
    attempt: int = 0
    lost: int = 0
    fence: int = 0
    seq: int = 1
    reported: int = 0
    cancel: bool = False
    deadline: bool = False
    """Whether it has one."""
    aside: bool = False
    """Whether it is queued, but lies in a line: the worker that read it does not serve its kind."""
    vanished: bool = False
    """Whether it ended because its entry was deleted: its input is gone, and so it has no letter."""
    log: list[str] = field(default_factory=list)
    past: list[tuple[int, str]] = field(default_factory=list)
    """The attempts that did not succeed."""
    replays: int = 0
    heard: list[int] = field(default_factory=list)
    streams: ModelStreams = field(default_factory=ModelStreams)

    def go(self, to: State) -> None:
        assert to in TRANSITIONS[self.state]
        self.state, self.aside = to, False
        self.seq += 1


@dataclass(frozen=True)
class Held:
    """An entry as some worker took it: it may be stale by the time it is used."""

    worker: str
    entry: ReadyEntry
    fence: int
