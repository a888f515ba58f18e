"""Writing the message of an agent: a handler that takes steps, and tells its message while they run."""

from collections.abc import AsyncIterable, Awaitable, Callable, Collection
from copy import deepcopy
from types import TracebackType
from typing import Any, Self

import msgspec

from tidings.ai.chat_request import UI_STREAM, ChatRequest
from tidings.ai.message_writer import UIMessageWriter
from tidings.ai.models.anthropic_stream import AnthropicReader
from tidings.ai.models.model_reply import ModelReply, ToolCall
from tidings.ai.models.openai_stream import OpenAIReader
from tidings.ai.models.reply_reader import ReplyReader
from tidings.ai.part_types import Part
from tidings.ai.written_message import offered_names
from tidings.context.context import Context
from tidings.kind import Kind
from tidings.saga.orchestrator import UndoLike
from tidings.saga.step_errors import StepError
from tidings.seconds import Duration
from tidings.streams.job_stream import JobStream
from tidings.streams.written_stream import StreamMark

from .recorded_reply import RecordedReply
from .repeated_parts import RepeatedParts, in_pieces

ModelCall = Callable[..., AsyncIterable[Any] | Awaitable[AsyncIterable[Any]]]
"""What calls a model: a generator, or a coroutine that returns the stream of the model's client."""

ReaderClass = Callable[..., ReplyReader]


class AgentWriter(UIMessageWriter):
    """Writes the message of a chat from a handler whose steps are calls of a model and of tools.

    ::

    @job(retries=5)
    async def agent(ctx: Context, chat: ChatRequest) -> dict[str, Any]:
        async with AgentWriter(ctx, chat) as message:
            while True:
                reply = await message.openai_step(ask_model, openai_messages(message.messages), tools=TOOLS)
                if not reply.tool_calls:
                    break
                for call in reply.tool_calls:
                    await message.tool_step(call, TOOLS_BY_NAME[call.name])
                await message.next_step()
        return message.message

    A model or a tool that has answered is not called again for the job: its answer is in the job's journal, whichever
    worker dies, and whatever comes after it. The page sees the text of a model as it comes. When a step is repeated,
    what its broken try had said goes, and the text before it stays.

    What the handler writes itself must be the same in each of its runs, as the steps must.
    """

    def __init__(self, ctx: Context[Any], chat: ChatRequest | None = None) -> None:
        """Prepare; see `UIMessageWriter`."""
        super().__init__(ctx, chat)
        self._ctx = ctx
        self._matched: RepeatedParts | None = None
        """What an earlier run has said, until this one says something else or more; None: it does."""

    async def __aenter__(self) -> Self:
        self._matched = RepeatedParts(await self._stream.earlier())
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        if kind is None:
            self._go_beyond()

    async def openai_step(
        self,
        function: ModelCall,
        /,
        *args: Any,
        tools: Collection[Any] | None = None,
        retries: int | None = None,
        timeout: Duration | None = None,
    ) -> ModelReply:
        """Call a model in a step, and write what it says; see `from_openai`.

        Args:
            function: calls the model, with `args`: `client.chat.completions.create(…, stream=True)`, or a generator of
                what that gives. An error that leaves it, or its stream, has the step repeated.
            args: its arguments; the journal shows them to people.
            tools: those that were offered; see `from_openai`.
            retries: how often the step is repeated; None: as the job's policy says.
            timeout: seconds that the model may take; None: as long as the job.

        Returns:
            What the model said, by the way of JSON: `usage` is a dict.

        Raises:
            StepError: the step has failed for good, or what the model said is larger than a step's result may be.

        """
        return await self._model_step(OpenAIReader, function, args, tools, retries, timeout)

    async def anthropic_step(
        self,
        function: ModelCall,
        /,
        *args: Any,
        tools: Collection[Any] | None = None,
        retries: int | None = None,
        timeout: Duration | None = None,
    ) -> ModelReply:
        """Call a model in a step, and write what it says; see `openai_step` and `from_anthropic`."""
        return await self._model_step(AnthropicReader, function, args, tools, retries, timeout)

    async def tool_step(
        self,
        call: ToolCall,
        tool: Callable[..., Any] | Kind[..., Any],
        /,
        *,
        undo: UndoLike | None = None,
        retries: int | None = None,
        timeout: Duration | None = None,
    ) -> Any:
        """Call a tool in a step, and write its output.

        Args:
            call: what the model wants; its input are the arguments, by their names.
            tool: a function, or a `@job` that runs as a child, on its own queue.
            undo: what undoes it when the agent fails later; see `Context.with_options`.
            retries: how often the step is repeated; None: as the job's policy says. A child has its own.
            timeout: seconds that one call may take; None: as the policy says. A child has its own.

        Returns:
            What the tool returned, by the way of JSON.

        Raises:
            StepError: it has failed for good. The message has the reason, so that the model can be told.

        """
        steps = self._ctx.with_options(undo=undo, name=call.name, retries=retries, timeout=timeout)
        taken = steps.call(tool, call.input) if isinstance(tool, Kind) else steps.step(tool, **call.input)
        try:
            output = await taken
        except StepError as error:
            await self.tool_error(call.id, error.problem.detail)
            raise
        await self.tool_output(call.id, output)
        return output

    async def _model_step(
        self,
        reader_class: ReaderClass,
        function: ModelCall,
        args: tuple[Any, ...],
        tools: Collection[Any] | None,
        retries: int | None,
        timeout: Duration | None,
    ) -> ModelReply:
        await self._send(self._next.end_block())
        before, blocks = deepcopy(self._assembled), self._next.blocks
        mark: StreamMark | None = None
        """Where this run began to say what the model says; None: it has not called the model."""

        async def ask(*args: Any) -> dict[str, Any]:
            nonlocal mark
            self._go_beyond()
            if mark is None:
                mark = self._stream.mark
            else:  # what a broken try has said goes
                self._stream.go_back(mark)
                self._assembled = deepcopy(before)
                self._next.begin_again(blocks)
            reader, parts = reader_class(self._next, offered_names(tools)), list[Part]()
            stream = function(*args)
            async for item in stream if isinstance(stream, AsyncIterable) else await stream:
                parts += await self._said(reader.take(item))
            parts += await self._said([*reader.end(), *self._next.end_block()])
            return RecordedReply.of(reader.reply, parts, self._next.blocks)

        name = getattr(function, "__name__", "model")
        steps = self._ctx.with_options(name=name, retries=retries, timeout=timeout)
        recorded = msgspec.convert(await steps.step(ask, *args), RecordedReply)
        if mark is None:  # an earlier run called the model
            await self._say_again(recorded)
        return recorded.reply

    async def _said(self, parts: list[Part]) -> list[Part]:
        await self._send(parts)
        return parts

    async def _say_again(self, recorded: RecordedReply) -> None:
        """Have the parts of a step in the message; write those that its run could not get to the store."""
        if self._matched is not None and self._matched.match(recorded.parts):
            for part in recorded.parts:
                self._taken(part)
        else:
            await self._send(in_pieces(recorded.parts))
        self._next.begin_again(recorded.blocks)

    async def _send(self, parts: list[Part]) -> None:
        for part in parts:
            taken = self._taken(part)
            if self._matched is None or not self._matched.match([taken]):
                self._go_beyond()
                await self._stream.write(taken)

    def _go_beyond(self) -> None:
        """Say from now on what no earlier run has said: what this one has said too stays, and the rest goes."""
        matched, self._matched = self._matched, None
        if matched:
            self._stream.keep(matched.count)

    @staticmethod
    def _opened(ctx: Context[Any]) -> JobStream:
        return ctx.stream(UI_STREAM, with_steps=True)
