"""A reader of streams, as every client has to be one: it follows events and snapshots by the rules of the reference."""

from typing import Any


class StreamReader:
    """The chunks of one job's streams, as a reader holds them."""

    def __init__(self) -> None:
        self.seq = 0
        """The number of the last event seen."""
        self.chunks: dict[str, list[Any]] = {}

    def event(self, frame: dict[str, Any]) -> None:
        """Take an event."""
        if frame["seq"] <= self.seq:
            return
        self.seq = frame["seq"]
        data = frame["data"]
        match frame["event"]:
            case "chunk":
                self._add(data, [data["data"]])
            case "chunks":
                self._add(data, data["data"])
            case "reset":
                held = self.chunks.setdefault(data["stream"], [])
                assert data["keep"] <= len(held), "what stays is what the reader has"
                del held[data["keep"] :]

    def snapshot(self, snapshot: dict[str, Any]) -> None:
        """Take a snapshot."""
        self.seq = snapshot["seq"]
        streams = snapshot.get("streams", {})
        for name in self.chunks.keys() - streams.keys():
            self.chunks[name] = []
        for name, one in streams.items():
            held = self.chunks.setdefault(name, [])
            assert one["from"] <= len(held), "what stays is what the reader has"
            self.chunks[name] = [*held[: one["from"]], *one["chunks"]]

    def take(self, frame: dict[str, Any]) -> None:
        """Take a frame of either kind."""
        if frame["type"] == "event":
            self.event(frame)
        elif frame["type"] == "snapshot":
            self.snapshot(frame)

    def _add(self, data: dict[str, Any], chunks: list[Any]) -> None:
        held = self.chunks.setdefault(data["stream"], [])
        assert data["index"] == len(held), "no chunk is missing, and none comes twice"
        held += chunks
