"""Agents: sagas whose steps are calls of a model and of tools, and whose message a page reads while they run."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai.sdk import Sdk
from ai.standin import NUMBERS, StandIn, running_standin
from support.system import System


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with running_standin() as standin:
        yield standin


@pytest.fixture
def question() -> str:
    """Return a question that none has asked."""
    return f"to be {uuid.uuid4().hex}"


class Agent:
    """What an agent did, as the page, the model and the tool saw it."""

    def __init__(self, system: System, sdk: Sdk, folder: Path, question: str, **body: Any) -> None:
        self.tool = folder / "tool"
        self.name = uuid.uuid4().hex
        self._sdk = sdk
        sdk.ask("open", name=self.name, api=f"{system.server.url}/v1/chat/agent")
        sdk.ask("send", name=self.name, text=question, body={"path": str(self.tool), **body})

    def until(self, text: str) -> None:
        """Return once the page has a text."""
        assert text in self._sdk.text(self.name, len(text))["text"]

    def ended(self) -> Any:
        """Return the page's state at the end."""
        return self._sdk.status(self.name, "ready", "error")


LOOKED = 'I have looked it up. The tool says {"place": "Rome", "sky": "clear"}. '


def test_an_agent_whose_worker_is_killed_pays_no_call_twice_that_has_ended(
    sdk: Sdk, standin: StandIn, question: str, tmp_path: Path
) -> None:
    question = f"{question} weather in Rome"
    agent = Agent(standin.system, sdk, tmp_path, question)
    agent.until(LOOKED)
    standin.system.workers[-1].process.kill()
    standin.work()
    state = agent.ended()
    whole = f"{LOOKED}{NUMBERS}and I believe it."
    assert (state["error"], state["text"]) == (None, whole)
    assert [text for text in state["texts"] if not whole.startswith(text)] == []
    assert standin.calls_of(question) == {1: 1, 3: 2}  # the second was broken off
    assert agent.tool.read_text() == "Rome\n"
    types = [part["type"] for part in state["messages"][-1]["parts"]]
    assert types == ["step-start", "tool-look_up_weather", "text", "step-start", "text"]
    job = standin.system.server.get(f"/v1/jobs/{state['messages'][-1]['id']}")[1]
    assert job["result"] == state["messages"][-1]
    assert [step["name"] for step in job["steps"]] == ["ask", "look_up_weather", "sleep", "ask"]


def test_an_agent_that_waits_without_a_worker_says_nothing_twice(
    sdk: Sdk, standin: StandIn, question: str, tmp_path: Path
) -> None:
    question = f"{question} weather in Rome"
    agent = Agent(standin.system, sdk, tmp_path, question, sleep=1.5)
    state = agent.ended()
    whole = f"{LOOKED}{NUMBERS}and I believe it."
    assert (state["error"], state["text"]) == (None, whole)
    assert [text for text in state["texts"] if not whole.startswith(text)] == []
    assert (standin.calls_of(question), agent.tool.read_text()) == ({1: 1, 3: 1}, "Rome\n")


def test_what_a_broken_try_of_a_model_has_said_is_taken_back(
    sdk: Sdk, standin: StandIn, question: str, tmp_path: Path
) -> None:
    state = Agent(standin.system, sdk, tmp_path, f"{question} break").ended()
    whole = f"You said “{question} break”. {NUMBERS}and that is all."
    assert (state["error"], state["text"]) == (None, whole)
    assert [text for text in state["texts"] if not whole.startswith(text)] == []
    assert standin.calls_of(f"{question} break") == {1: 2}
