"""What waits to be sent to one connection: bounded, in order, progress latest-wins for the slow."""

from tidings.contract.event import EventClass

COALESCE_BYTES = 65_536
"""A reader is slow once this much waits: from then on only the newest progress of a job does."""


class Outbox:
    """Frames in order. A newer progress of a job takes the place of one that still waits."""

    __slots__ = ("_bytes", "_frames", "_latest", "_most")

    def __init__(self, most_bytes: int) -> None:
        """Hold at most `most_bytes` (characters of JSON text, which for ASCII are bytes)."""
        self._most = most_bytes
        self._bytes = 0
        self._frames: list[str | None] = []
        self._latest: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def overflowed(self) -> bool:
        """Whether more waits than may: the reader is too slow."""
        return self._bytes > self._most

    def put(self, frame: str) -> None:
        """Add a frame that must arrive."""
        self._frames.append(frame)
        self._bytes += len(frame)

    def put_event(self, token: str, event_class: int, frame: str) -> None:
        """Add an event of a job; for a slow reader only the newest progress of each job waits."""
        if event_class == EventClass.PROGRESS:
            older = self._latest.get(token)
            if older is not None and self._bytes > COALESCE_BYTES:
                dropped = self._frames[older]
                assert dropped is not None
                self._bytes -= len(dropped)
                self._frames[older] = None
            self._latest[token] = len(self._frames)
        self.put(frame)

    def take(self) -> list[str]:
        """Return what waits, and forget it."""
        frames = [frame for frame in self._frames if frame is not None]
        self._frames = []
        self._latest.clear()
        self._bytes = 0
        return frames
