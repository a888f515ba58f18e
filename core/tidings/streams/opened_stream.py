"""What a handler sees of a stream that it has opened, in the event loop and in a thread alike."""

from .written_stream import StreamSink, WrittenStream


class OpenedStream:
    """One stream of a job: its name, and how many chunks it has."""

    def __init__(self, stream: WrittenStream, sink: StreamSink) -> None:
        """Bind it.

        Args:
            stream: how far the attempt has come with it.
            sink: takes its chunks; it belongs to the event loop.

        """
        self._stream = stream
        self._sink = sink

    def __repr__(self) -> str:
        return f"<stream {self.name} of {len(self)} chunks>"

    @property
    def name(self) -> str:
        """The stream's name."""
        return self._stream.name

    def __len__(self) -> int:
        """Return how many chunks it has, those that this attempt keeps included."""
        return self._stream.count

    def __bool__(self) -> bool:
        return True
