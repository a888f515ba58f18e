"""What one watcher of a job was told, held against what the contract promises (section 2, order and completeness)."""

from typing import Any

import anyio

from support.timeouts import scaled
from tidings.protocol.states import TERMINAL


class Seen:
    """All that a watcher was told of one job; each promise is checked as it is told."""

    def __init__(self) -> None:
        self.seq = 0
        """The number after which it would resume."""
        self.chunks: list[Any] = []
        self.changes: list[str] = []
        """Names of the events of state changes, in order; what a snapshot sums up is not among them."""
        self.progress: Any = None
        """The fraction or the message of the newest."""
        self.result: Any = None
        self.names: list[str] = []
        """Names of all events, in order."""
        self.snapshots = 0
        self.ended = False
        self.news = anyio.Event()

    def event(self, frame: dict[str, Any]) -> None:
        """Take an event."""
        assert not self.ended, f"told after the end: {frame}"
        assert frame["seq"] > self.seq, f"number {frame['seq']} after {self.seq}"
        self.seq = frame["seq"]
        name, data = frame["event"], frame["data"]
        self.names.append(name)
        if name == "log":
            self.chunks.append(data)
        elif name == "progress":
            self.progress = data["message"]
        else:
            self.changes.append(name)
            self._end_if(name, data.get("result", data.get("problem")))
        self._tell()

    def snapshot(self, frame: dict[str, Any], *, numbered: bool = True) -> None:
        """Take a snapshot with what followed the number that was asked for.

        Args:
            frame: the snapshot.
            numbered: whether one may resume after its number; not in a stream, where only events have ids.

        """
        assert not self.ended, f"told after the end: {frame}"
        assert not frame["truncated"]
        assert not frame["rewound"]
        for chunk in frame["log"]:
            assert chunk["seq"] > self.seq, f"chunk {chunk['seq']} after {self.seq}"
            self.seq = chunk["seq"]
            self.chunks.append(chunk["data"])
        assert frame["seq"] >= self.seq
        self.snapshots += 1
        if frame["progress"] is not None:
            self.progress = frame["progress"]["message"]
        if numbered:  # the terminal event has the number of the snapshot that it follows
            self.seq = frame["seq"] - (frame["status"] in TERMINAL)
        self._tell()

    def whole(self, frame: dict[str, Any]) -> None:
        """Take the answer of a long-poll: everything from the beginning, each time."""
        assert not self.ended
        assert frame["seq"] > self.seq, f"number {frame['seq']} after {self.seq}"
        chunks = [chunk["data"] for chunk in frame["log"]]
        assert chunks[: len(self.chunks)] == self.chunks, "what was told is told again"
        self.chunks, self.seq = chunks, frame["seq"]
        if frame["progress"] is not None:
            self.progress = frame["progress"]["message"]
        self._end_if(frame["status"], frame.get("result", frame.get("problem")))
        self._tell()

    async def until(self, count: int) -> None:
        """Return when so many chunks have been told."""
        with anyio.fail_after(scaled(40)):
            while len(self.chunks) < count:
                await self.news.wait()

    def check(self, count: int) -> None:
        """It was told everything: `count` chunks in order, each once, and the end."""
        assert self.chunks == list(range(count))
        assert self.ended
        assert self.result == count
        assert self.progress.strip() == str(count)

    def _end_if(self, status: str, result: Any) -> None:
        if status in TERMINAL:
            self.ended, self.result = True, result

    def _tell(self) -> None:
        self.news.set()
        self.news = anyio.Event()
