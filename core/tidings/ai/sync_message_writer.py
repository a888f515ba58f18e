"""Writing the answer in a chat from a plain function, which runs in a thread or a process."""

from collections.abc import Collection, Iterable
from types import TracebackType
from typing import Any, Self

from tidings.context.sync_context import SyncContext

from .chat_request import UI_STREAM, ChatRequest
from .message_calls import MessageCalls
from .models.anthropic_stream import AnthropicReader
from .models.model_reply import ModelReply
from .models.openai_stream import OpenAIReader
from .models.reply_reader import ReplyReader
from .part_types import Part
from .written_message import offered_names


class SyncUIMessageWriter(MessageCalls[None]):
    """Writes one message of a chat. The methods are those of `UIMessageWriter`, without `await`."""

    def __init__(self, ctx: SyncContext[Any], chat: ChatRequest | None = None) -> None:
        """Prepare; see `UIMessageWriter`."""
        super().__init__(ctx, chat)
        self._stream = ctx.stream(UI_STREAM)

    def __enter__(self) -> Self:
        self._send(self._begin())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()

    def from_openai(self, stream: Iterable[Any], *, tools: Collection[Any] | None = None) -> ModelReply:
        """Write what a model says, from a stream of chat completions; see `UIMessageWriter.from_openai`."""
        return self._read(stream, OpenAIReader(self._next, offered_names(tools)))

    def from_anthropic(self, stream: Iterable[Any], *, tools: Collection[Any] | None = None) -> ModelReply:
        """Write what a model says, from a stream of messages; see `UIMessageWriter.from_anthropic`."""
        return self._read(stream, AnthropicReader(self._next, offered_names(tools)))

    def _read(self, stream: Iterable[Any], reader: ReplyReader) -> ModelReply:
        for item in stream:
            self._send(reader.take(item))
        self._send(reader.end())
        return reader.reply

    def _send(self, parts: list[Part]) -> None:
        for part in parts:
            self._stream.write(self._taken(part))
