"""Agents alone, without a store: what each run of the handler calls and says."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tidings import Context, Reject, Retry, StepError, job
from tidings.ai import AgentWriter, ChatRequest, ModelReply, UIMessage, openai_messages
from tidings.saga.step_errors import SagaUseError
from tidings.store.attempts.attempt_store import AttemptReport
from tidings.store.streams.stream_records import KeepChunks
from tidings.testing import run
from tidings.testing.alone.run_record import RunRecord

CHAT = ChatRequest(id="c", messages=[UIMessage(id="m", role="user", parts=[{"type": "text", "text": "To be?"}])])
CALL = {"index": 0, "id": "c1", "function": {"name": "look_up", "arguments": '{"word": "be"}'}}
called: list[Any] = []


@pytest.fixture(autouse=True)
def none_called() -> None:
    called.clear()


async def ask(messages: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """Want a tool called first, and then say what it said; break off once before."""
    called.append(messages)
    if messages[-1]["role"] == "user":
        yield {"choices": [{"delta": {"content": "Hm. "}}]}
        if len(called) == 1:
            raise Retry("broken off", after=0)  # at once: in the same run of the handler
        yield {"choices": [{"delta": {"tool_calls": [CALL]}}]}
        return
    for word in ("It ", "means ", messages[-1]["content"]):
        yield {"choices": [{"delta": {"content": word}, "finish_reason": "stop"}]}


async def look_up(word: str) -> str:
    called.append(word)
    return f"to {word}"


async def refuses(word: str) -> str:
    raise Reject("there is no such word")


@job(retries=3)
async def agent(ctx: Context, chat: ChatRequest, fails: bool = False) -> ModelReply:
    async with AgentWriter(ctx, chat) as message:
        reply = await message.openai_step(ask, openai_messages(message.messages), tools=["look_up"])
        for call in reply.tool_calls:
            try:
                await message.tool_step(call, refuses if fails else look_up)
            except StepError:
                await message.text("I could not.")
        await ctx.sleep(minutes=5)  # the handler runs again from its first line
        await message.next_step()
        return await message.openai_step(ask, openai_messages(message.messages))


def said(parts: list[dict[str, Any]]) -> str:
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")


async def test_each_call_that_has_ended_is_made_once_and_nothing_is_said_twice() -> None:
    ended = await run(agent, chat=CHAT)
    parts = ended.streams["ui"]
    assert said(parts) == 'Hm. It means "to be"'
    assert [part["type"] for part in parts if part["type"] in ("start", "start-step", "finish")] == [
        "start",
        "start-step",
        "start-step",
        "finish",
    ]
    assert [one if isinstance(one, str) else len(one) for one in called] == [1, 1, "be", 3]
    assert ended.result.text == 'It means "to be"'
    assert (ended.result.finish_reason, ended.result.tool_calls) == ("stop", [])


async def test_a_run_that_begins_again_keeps_all_that_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[int, int]] = []
    begun, take = RunRecord.begin_run, RunRecord.take
    before: list[int] = []

    def note_run(record: RunRecord) -> None:
        before.append(len(record.said.get("ui", [])))
        begun(record)

    def note_keep(record: RunRecord, report: AttemptReport) -> bool:
        kept.extend((len(before), event.kept) for event in report.events if isinstance(event, KeepChunks))
        return take(record, report)

    monkeypatch.setattr(RunRecord, "begin_run", note_run)
    monkeypatch.setattr(RunRecord, "take", note_keep)
    await run(agent, chat=CHAT)
    assert kept == [(1, 2), (2, before[1])]  # of a broken try the head stays; of an earlier run all
    assert before[1] > 5


async def test_text_of_a_paid_call_that_its_worker_could_not_store_is_said_from_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = RunRecord.begin_run

    def lose_half(record: RunRecord) -> None:
        """Have the run find only some of the chunks that the one before wrote."""
        begun(record)
        record.earlier = {name: chunks[:3] for name, chunks in record.earlier.items()}

    monkeypatch.setattr(RunRecord, "begin_run", lose_half)
    parts = (await run(agent, chat=CHAT)).streams["ui"]
    assert said(parts) == 'Hm. It means "to be"'
    assert [one if isinstance(one, str) else len(one) for one in called] == [1, 1, "be", 3]


async def test_a_tool_that_fails_for_good_is_an_error_in_the_message() -> None:
    parts = (await run(agent, chat=CHAT, fails=True)).streams["ui"]
    assert {"type": "tool-output-error", "toolCallId": "c1", "errorText": "there is no such word"} in parts
    assert said(parts) == 'Hm. I could not.It means "there is no such word"'


@job
async def both(ctx: Context, chat: ChatRequest, first: bool) -> None:
    if first:
        await ctx.stream("tokens").write("a")
    async with AgentWriter(ctx, chat):
        await ctx.stream("tokens").write("b")


@pytest.mark.parametrize("first", [True, False])
async def test_a_stream_that_would_be_written_twice_is_refused_beside_an_agents(first: bool) -> None:
    with pytest.raises(SagaUseError, match="a handler writes streams or takes steps, not both"):
        raise (await run(both, chat=CHAT, first=first)).error or AssertionError
