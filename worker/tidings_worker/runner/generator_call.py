"""The call of a handler that is a generator: what it yields goes to the stream `main`, and makes up the result.

A chunk that cannot be written is an error at the generator's `yield`. A generator that does not handle it fails the job
for good, with a problem that says which chunk and why: another attempt would yield the same.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any

from tidings.context.context import Sink
from tidings.context.sync_context import SyncContext
from tidings.errors import StoppedError
from tidings.protocol.frames.stream_names import MAIN
from tidings.protocol.problems import problem
from tidings.streams.generator_items import GeneratorItems
from tidings.streams.handler_result import Result
from tidings.streams.job_stream import JobStream
from tidings.streams.stream_errors import StreamError
from tidings.streams.written_stream import WrittenStream
from tidings_worker.outcome.error_text import safe_text
from tidings_worker.outcome.errors import FinalError

from .arguments import result_json

_FAULTS = (TypeError, ValueError, StreamError)
"""Why a chunk could not be written."""


class _GeneratorChunks:
    """What one generator has said."""

    def __init__(self, items: GeneratorItems, stream: WrittenStream, most: int) -> None:
        self._items = items
        self._stream = stream
        self._most = most
        self._texts: list[str] = []
        self._result: Result[Any] | None = None

    def ends(self, item: Any) -> bool:
        """Return whether an item is the result, and take it.

        Raises:
            StreamError: the result has come before.
            TypeError: it is a chunk of another type than the handler's hint says.

        """
        if self._result is not None:
            raise StreamError("a generator yields nothing after Result(…)")
        if isinstance(item, Result):
            self._result = item
            return True
        if self._items.is_text and not isinstance(item, str):
            raise TypeError(
                f"its hint says that it yields str, and chunk {self._stream.count} is {type(item).__name__}"
            )
        return False

    def add(self, text: str) -> None:
        """Take a chunk as JSON that was written."""
        self._texts.append(text)

    def result(self) -> bytes:
        """Return the result as JSON.

        Raises:
            FinalError: it has no form in JSON, or is too large.

        """
        if self._result is not None:
            return result_json(self._result.value, self._most)
        texts = [*self._stream.kept, *self._texts]
        if not self._items.is_text:
            found = f"[{','.join(texts)}]"
        elif all(text.startswith('"') for text in texts):
            found = f'"{"".join(text[1:-1] for text in texts)}"'
        else:
            raise FinalError(problem("handler_error", "the handler keeps chunks that are no text, and yields text"))
        encoded = found.encode()
        if len(encoded) > self._most:
            detail = (
                f"what the handler yielded is {len(encoded)} bytes as JSON, and at most {self._most} are kept as a "
                "result; end the generator with `yield Result(…)`, and clients read the stream"
            )
            raise FinalError(problem("result_too_large", detail, limit=self._most))
        return encoded


async def said_in_loop(items: GeneratorItems, generator: AsyncGenerator[Any, Any], sink: Sink, most: int) -> bytes:
    """Run an asynchronous generator to its end, and return the result as JSON; see `result_json` for its errors."""
    written = sink.streams.open(MAIN)
    stream, said = JobStream(written, sink), _GeneratorChunks(items, written, most)
    written.claim_for_generator()
    fault: Exception | None = None
    async with aclosing(generator):
        while True:
            try:
                item = await (anext(generator) if fault is None else generator.athrow(fault))
            except StopAsyncIteration:
                return said.result()
            except _FAULTS as error:
                if error is fault:
                    raise _final(error) from error
                raise
            fault = None
            try:
                if not said.ends(item):
                    said.add(await stream.yielded(item))
            except _FAULTS as error:
                fault = error


def said_in_thread(
    items: GeneratorItems, generator: Generator[Any, Any, Any], context: SyncContext, sink: Sink, most: int
) -> bytes:
    """Run a plain generator to its end, and return the result as JSON; see `result_json` for its errors."""
    written = sink.streams.open(MAIN)
    stream, said = context.stream(MAIN), _GeneratorChunks(items, written, most)
    written.claim_for_generator()
    fault: Exception | None = None
    with closing(generator):
        while True:
            try:
                item = next(generator) if fault is None else generator.throw(fault)
            except StopIteration:
                return said.result()
            except _FAULTS as error:
                if error is fault:
                    raise _final(error) from error
                raise
            fault = None
            try:
                if not said.ends(item):
                    said.add(stream.yielded(item))
            except (*_FAULTS, StoppedError) as error:
                fault = error


def _final(fault: Exception) -> FinalError:
    return FinalError(problem("handler_error", f"what the handler yields: {safe_text(fault)}"))
