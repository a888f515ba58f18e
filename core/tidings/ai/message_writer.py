"""Writing the answer in a chat from an `async def` handler."""

from collections.abc import AsyncIterable, Awaitable, Collection
from types import TracebackType
from typing import Any, Self

from tidings.context.context import Context
from tidings.streams.job_stream import JobStream

from .chat_request import UI_STREAM, ChatRequest
from .message_calls import MessageCalls
from .models.anthropic_stream import AnthropicReader
from .models.model_reply import ModelReply
from .models.openai_stream import OpenAIReader
from .models.reply_reader import ReplyReader
from .part_types import Part
from .written_message import offered_names


class UIMessageWriter(MessageCalls[Awaitable[None]]):
    """Writes one message of a chat, part after part; each method is to be awaited.

    ::

    @job(retries=3)
    async def answer(ctx: Context, chat: ChatRequest) -> dict[str, Any]:
        async with UIMessageWriter(ctx, chat) as message:
            await message.text("It depends.")
        return message.message

    Entering the block begins the message. Leaving it ends the message, unless an error leaves it: then the server tells
    the page how the job ended, or a later attempt says the message again.
    """

    def __init__(self, ctx: Context[Any], chat: ChatRequest | None = None) -> None:
        """Prepare.

        Args:
            ctx: the handler's.
            chat: what the page asks; None: the message goes on with none.

        """
        super().__init__(ctx, chat)
        self._stream = self._opened(ctx)

    async def __aenter__(self) -> Self:
        await self._send(self._begin())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            await self.finish()

    async def from_openai(self, stream: AsyncIterable[Any], *, tools: Collection[Any] | None = None) -> ModelReply:
        """Write what a model says, from a stream of chat completions; return what it said.

        The tools that the model wants called are in the message, and in the reply: call them, and write their output.

        Args:
            stream: what `client.chat.completions.create(…, stream=True)` returned, of the client of OpenAI or of a
                compatible one.
            tools: those that were offered, by name or as the client takes them; a call of another is refused in the
                message. None: any may be called.

        """
        return await self._read(stream, OpenAIReader(self._next, offered_names(tools)))

    async def from_anthropic(self, stream: AsyncIterable[Any], *, tools: Collection[Any] | None = None) -> ModelReply:
        """Write what a model says, from a stream of Anthropic's messages; see `from_openai`.

        Args:
            stream: what `client.messages.create(…, stream=True)` returned, or entering `client.messages.stream(…)`.
            tools: as for `from_openai`.

        Raises:
            ModelStreamError: the stream ends with an error.

        """
        return await self._read(stream, AnthropicReader(self._next, offered_names(tools)))

    async def _read(self, stream: AsyncIterable[Any], reader: ReplyReader) -> ModelReply:
        async for item in stream:
            await self._send(reader.take(item))
        await self._send(reader.end())
        return reader.reply

    async def _send(self, parts: list[Part]) -> None:
        for part in parts:
            await self._stream.write(self._taken(part))

    @staticmethod
    def _opened(ctx: Context[Any]) -> JobStream:
        return ctx.stream(UI_STREAM)
