"""Release 6 of the AI SDK, as far as it goes: what it does not know is what release 7 added to its protocol."""

import uuid
from pathlib import Path

import pytest

from ai.sdk import Sdk
from support.handlers.chat_kinds import WORDS
from support.system import System, system_fixture

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "chat_kinds.py")
TEXT = "".join(WORDS)

system = system_fixture(KINDS)

TRANSPORTS = pytest.mark.parametrize("ours", [False, True], ids=["default", "tidings"])


def opened(sdk: Sdk, system: System, kind: str, chat: str, ours: bool) -> str:
    tab = uuid.uuid4().hex
    sdk.ask("open_six", name=tab, id=chat, url=system.server.url, kind=kind, ours=ours)
    return tab


@TRANSPORTS
def test_an_answer_comes_whole_and_a_resume_shows_it_from_its_beginning(
    sdk: Sdk, system: System, tmp_path: Path, ours: bool
) -> None:
    chat, half = uuid.uuid4().hex, "".join(WORDS[:3])
    first = opened(sdk, system, "waits", chat, ours)
    sdk.ask("send", name=first, text="To be?", body={"path": str(tmp_path / "go")})
    assert sdk.text(first, len(half))["text"] == half
    second = opened(sdk, system, "waits", chat, ours)
    sdk.ask("resume", name=second)
    assert sdk.text(second, len(half))["text"] == half
    (tmp_path / "go").touch()
    for tab in (first, second):
        state = sdk.status(tab, "ready", "error")
        assert (state["text"], state["error"]) == (TEXT, None)


@TRANSPORTS
def test_the_answer_to_a_tools_question_continues_the_message(sdk: Sdk, system: System, ours: bool) -> None:
    tab = opened(sdk, system, "asks_first", uuid.uuid4().hex, ours)
    sdk.ask("send", name=tab, text="To be?", wait=True)
    state = sdk.ask("approve", name=tab, id="approval-1", approved=True)
    assert (state["status"], state["text"], len(state["messages"])) == (
        "ready",
        "I can look it up. It means to exist.",
        2,
    )
