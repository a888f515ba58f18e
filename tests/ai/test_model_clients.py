"""The clients of OpenAI and of Anthropic, on a stand-in for their services."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai.standin import NUMBERS, StandIn, running_standin
from support.system import System
from support.timeouts import scaled

CLIENTS = ["by_openai", "by_openai_in_thread", "by_anthropic", "by_anthropic_helper"]


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with running_standin() as standin:
        yield standin


@pytest.fixture
def question() -> str:
    """Return a question that none has asked."""
    return f"to be {uuid.uuid4().hex}"


def result_of(system: System, kind: str, question: str, **more: Any) -> Any:
    """Ask in a new chat, and return the job once its message has ended."""
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": question}]}
    body = {"id": uuid.uuid4().hex, "messages": [message], **more}
    with httpx.Client(base_url=system.server.url, timeout=scaled(20)) as http:
        answer = http.post(f"/v1/chat/{kind}", json=body)
        parts = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: {")]
        said = "".join(part["delta"] for part in parts if part["type"] == "text-delta")
        return {**http.get(answer.headers["location"]).json(), "said": said}


@pytest.mark.parametrize("kind", CLIENTS)
def test_what_a_model_says_comes_to_the_byte(standin: StandIn, kind: str, question: str) -> None:
    job = result_of(standin.system, kind, question)
    whole = f"You said “{question}”. {NUMBERS}and that is all."
    assert (job["said"], job["result"]) == (whole, {"text": whole, "calls": [], "why": "stop", "tokens": 5})


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_tool_that_a_model_wants_called_is_in_the_reply(standin: StandIn, kind: str, question: str) -> None:
    found = result_of(standin.system, kind, f"{question} weather in Rome")["result"]
    assert (found["calls"], found["why"]) == ([["look_up_weather", {"place": "Rome"}]], "tool-calls")


@pytest.mark.parametrize("kind", ["by_openai", "by_anthropic_helper"])
def test_a_model_that_is_busy_is_asked_again_when_it_says(standin: StandIn, kind: str, question: str) -> None:
    began = time.monotonic()
    job = result_of(standin.system, kind, f"{question} busy")
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert job["said"].endswith("and that is all.")
    assert standin.calls_of(f"{question} busy") == {1: 2}
    assert time.monotonic() - began >= 1  # Retry-After


@pytest.mark.parametrize("kind", ["by_openai_in_thread", "by_anthropic"])
def test_a_model_that_breaks_off_costs_no_byte(standin: StandIn, kind: str, question: str) -> None:
    job = result_of(standin.system, kind, f"{question} break")
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert job["result"]["text"] == f"You said “{question} break”. {NUMBERS}and that is all."


def test_a_breaker_keeps_calls_from_a_model_that_refuses_all(standin: StandIn, question: str) -> None:
    codes = [result_of(standin.system, "guarded", f"{question} down")["problem"]["code"] for _ in range(4)]
    assert codes[:2] == ["handler_error"] * 2
    assert codes[-1] == "circuit_open"
    assert standin.calls_of(f"{question} down")[1] < 4
