"""What a handler does wrong with a stream."""


class StreamError(Exception):
    """The handler cannot do this with the stream; the message says why, and what to do."""


class StreamFullError(StreamError):
    """The streams of the job would be larger than the worker allows; nothing of the chunk was written."""
