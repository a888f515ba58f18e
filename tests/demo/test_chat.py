"""The demo's chat without a page: the model's process, and what the job makes of messages."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import psutil
import pytest

from chat import chat_model
from chat.chat_answer import answer_chat
from chat.chat_model import ChatModel, ModelBusyError, ModelError
from support.timeouts import scaled
from tidings import Reject
from tidings.ai import ChatRequest
from tidings.testing import run


def text_of(model: ChatModel, question: str) -> str:
    chunks = model.completion([{"role": "user", "content": question}], [])
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def answer_to(question: str) -> str:
    return f"You said “{question}”. 0, and that is all."


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatModel]:
    monkeypatch.setenv("MODEL_WORDS", "1")
    monkeypatch.setenv("MODEL_PAUSE_S", "0")
    model = ChatModel()
    yield model
    model.close()


def model_of(process: int) -> psutil.Process:
    (found,) = [
        child
        for child in psutil.Process(process).children()
        if any(word.endswith("chat_model") for word in child.cmdline())
    ]
    return found


def test_the_model_answers_refuses_breaks_off_and_is_started_again(model: ChatModel) -> None:
    assert text_of(model, "to be?") == answer_to("to be?")
    with pytest.raises(ModelBusyError) as busy:
        text_of(model, "are you busy?")
    assert busy.value.response.headers["retry-after"] == "1"
    with pytest.raises(ModelError, match="broke off"):
        text_of(model, "will it break?")
    first = model_of(psutil.Process().pid)
    first.kill()
    first.wait(scaled(10))
    assert text_of(model, "or not?") == answer_to("or not?")
    second = model_of(psutil.Process().pid)
    model.close()
    assert not second.is_running()


def test_the_model_ends_with_a_worker_that_is_killed() -> None:
    # Its first word tells that the model runs: right after its start it has no command line yet to find it by.
    program = "from chat.chat_model import ChatModel; print(next(ChatModel().completion([QUESTION], [])), flush=True)"
    worker = subprocess.Popen(
        [sys.executable, "-c", f"{program}; input()".replace("QUESTION", str({"role": "user", "content": "to be?"}))],
        cwd=chat_model.DEMO, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with worker:
        assert worker.stdout is not None
        assert b"delta" in worker.stdout.readline()
        model = model_of(worker.pid)
        worker.kill()
        model.wait(scaled(10))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool-find_train", "input": {"place": "Rome"}, "approval": {"id": "a", "approved": True}},
        {"type": "tool-look_up_weather", "input": {}, "approval": {"id": "a", "approved": True}},
        {"type": "tool-look_up_weather", "input": {"place": "Rome"}},
    ],
)
async def test_an_answer_to_what_is_no_question_is_refused(part: dict[str, Any]) -> None:
    part = {**part, "toolCallId": "c", "state": "approval-responded"}
    messages = [
        {"id": "1", "role": "user", "parts": [{"type": "text", "text": "hello"}]},
        {"id": "2", "role": "assistant", "parts": [part]},
    ]
    refused = await run(answer_chat, chat=msgspec.convert({"id": "c", "messages": messages}, ChatRequest))
    assert isinstance(refused.error, Reject)
    assert "a call of look_up_weather with a place" in str(refused.error)
    assert refused.retry_after is None
