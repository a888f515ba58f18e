"""Chats through the default transport of the real AI SDK: ask, resume, stop, and what fails."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai.sdk import Sdk
from support.handlers.chat_kinds import WORDS
from support.system import System, system_fixture
from support.timeouts import scaled

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "chat_kinds.py")
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}
TEXT = "".join(WORDS)

system = system_fixture(KINDS, servers=2, both=QUICK)


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.server.url, timeout=scaled(15)) as client:
        yield client


@pytest.fixture
def name() -> str:
    """Return the id of a chat that is new."""
    return uuid.uuid4().hex


def opened(sdk: Sdk, system: System, name: str, kind: str, server: int = 0, **given: Any) -> str:
    """Open a chat in the SDK; return the name by which the SDK's Node knows it."""
    tab = f"{name}-{uuid.uuid4().hex}"
    sdk.ask("open", name=tab, id=name, api=f"{system.servers[server].url}/v1/chat/{kind}", **given)
    return tab


def job_of(system: System, message: dict[str, Any]) -> Any:
    """Return the snapshot of the job that wrote a message."""
    return system.server.get(f"/v1/jobs/{message['id']}")[1]


def body_of(name: str, **more: Any) -> dict[str, Any]:
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "To be?"}]}
    return {"id": name, "messages": [message], "trigger": "submit-message", **more}


@pytest.mark.parametrize("kind", ["say", "say_in_thread"])
def test_an_answer_comes_whole_and_is_the_jobs_result(sdk: Sdk, system: System, name: str, kind: str) -> None:
    tab = opened(sdk, system, name, kind)
    state = sdk.ask("send", name=tab, text="To be?", wait=True)
    assert (state["status"], state["text"], state["error"]) == ("ready", TEXT, None)
    assert state["ends"] == [{"isAbort": False, "isDisconnect": False, "isError": False}]
    answer = state["messages"][-1]
    job = job_of(system, answer)
    assert (job["status"], job["tags"], job["result"]) == ("succeeded", [f"chat:{name}"], answer)


def test_what_the_page_adds_to_the_body_is_input_of_the_kind(sdk: Sdk, system: System, name: str) -> None:
    tab = opened(sdk, system, name, "shows")
    assert sdk.ask("send", name=tab, text="this", body={"style": "fancy"}, wait=True)["text"] == "fancy: this"
    state = sdk.ask("regenerate", name=tab)
    assert job_of(system, state["messages"][-1])["result"] == "regenerate-message"
    assert len(state["messages"]) == 2


def test_a_resume_at_another_server_shows_the_message_from_its_beginning(
    sdk: Sdk, system: System, name: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    first = opened(sdk, system, name, "waits")
    sdk.ask("send", name=first, text="To be?", body={"path": str(go)})
    half = sdk.text(first, len("".join(WORDS[:3])))["text"]
    second = opened(sdk, system, name, "waits", server=1)
    sdk.ask("resume", name=second)
    assert sdk.text(second, len(half))["text"] == half == "".join(WORDS[:3])
    go.touch()
    for tab in (first, second):
        state = sdk.status(tab, "ready", "error")
        assert (state["text"], state["error"]) == (TEXT, None)
    assert sdk.ask("resume", name=second, wait=True)["status"] == "ready"  # 204: nothing is being written


def test_a_reader_that_leaves_cancels_nothing_and_a_stop_does(
    sdk: Sdk, system: System, http: httpx.Client, name: str, tmp_path: Path
) -> None:
    tab = opened(sdk, system, name, "waits")
    sdk.ask("send", name=tab, text="To be?", body={"path": str(tmp_path / "never")})
    message = sdk.text(tab, 1)["messages"][-1]
    assert sdk.ask("abort", name=tab)["status"] == "ready"
    assert job_of(system, message)["status"] == "running"
    sdk.ask("resume", name=tab)
    sdk.status(tab, "streaming")
    assert http.post(f"/v1/chat/waits/{name}/stop").status_code == 202
    state = sdk.status(tab, "ready")
    assert state["text"] == "".join(WORDS[:3])
    assert job_of(system, message)["status"] == "cancelled"
    assert http.post(f"/v1/chat/waits/{name}/stop").status_code == 204


@pytest.mark.parametrize("keep", [False, True])
def test_when_the_worker_is_killed_the_text_is_right_to_the_byte(
    sdk: Sdk, system: System, name: str, tmp_path: Path, keep: bool
) -> None:
    system.add_worker(KINDS, **QUICK)
    tab = opened(sdk, system, name, "dies")
    state = sdk.ask("send", name=tab, text="To be?", body={"path": str(tmp_path / "flag"), "keep": keep}, wait=True)
    assert (state["status"], state["text"], state["error"]) == ("ready", TEXT, None)
    assert [one for one in state["texts"] if not TEXT.startswith(one)] == []
    assert [part["type"] for part in state["messages"][-1]["parts"]] == ["step-start", "text"]
    assert job_of(system, state["messages"][-1])["attempt"] == 2


def test_steps_that_the_next_attempt_repeats_stay(sdk: Sdk, system: System, name: str, tmp_path: Path) -> None:
    system.add_worker(KINDS, **QUICK)
    tab = opened(sdk, system, name, "dies")
    state = sdk.ask("send", name=tab, text="To be?", body={"path": str(tmp_path / "flag"), "steps": 2}, wait=True)
    assert (state["status"], state["text"]) == ("ready", TEXT * 2)
    assert [part["type"] for part in state["messages"][-1]["parts"]] == ["step-start", "text"] * 2


def test_where_an_earlier_step_is_void_the_connection_is_cut_and_a_resume_shows_what_counts(
    sdk: Sdk, system: System, name: str, tmp_path: Path
) -> None:
    system.add_worker(KINDS, **QUICK)
    tab = opened(sdk, system, name, "dies", ended=True)
    body = {"path": str(tmp_path / "flag"), "steps": 2, "other": True}
    state = sdk.ask("send", name=tab, text="To be?", body=body, wait=True)
    assert (state["status"], state["error"]) == ("error", "terminated")  # the words of Node's `fetch`
    state = sdk.ask("resume", name=tab, wait=True)
    said = "Another " + "".join(WORDS[1:])
    assert (state["status"], state["text"], len(state["messages"])) == ("ready", said * 2, 2)


def test_a_job_that_fails_is_an_error_with_its_own_words(sdk: Sdk, system: System, name: str) -> None:
    state = sdk.ask("send", name=opened(sdk, system, name, "fails"), text="To be?", wait=True)
    assert (state["status"], state["error"], state["text"]) == ("error", "the model is out of words", "Well, ")


def test_a_handler_that_says_nothing_gives_an_empty_message(
    sdk: Sdk, system: System, http: httpx.Client, name: str
) -> None:
    assert sdk.ask("send", name=opened(sdk, system, name, "silent"), text="To be?", wait=True)["status"] == "ready"
    answer = http.post("/v1/chat/silent", json=body_of(name))
    token = answer.headers["location"].removeprefix("/v1/jobs/")
    parts = [
        json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line.startswith("data: {")
    ]
    assert parts == [{"type": "start", "messageId": token}, {"type": "finish"}]
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_handler_that_writes_no_parts_gives_an_error(sdk: Sdk, system: System, name: str) -> None:
    state = sdk.ask("send", name=opened(sdk, system, name, "malformed"), text="To be?", wait=True)
    assert state["error"] == "the handler wrote to the stream `ui` what is no part of a message"


@pytest.mark.parametrize(("approved", "said"), [(True, "It means to exist."), (False, "As you like.")])
def test_the_answer_to_a_tools_question_continues_the_message(
    sdk: Sdk, system: System, name: str, approved: bool, said: str
) -> None:
    tab = opened(sdk, system, name, "asks_first")
    state = sdk.ask("send", name=tab, text="To be?", wait=True)
    assert (state["messages"][-1]["parts"][-1]["state"], state["ends"][-1]["finishReason"]) == (
        "approval-requested",
        "tool-calls",
    )
    state = sdk.ask("approve", name=tab, id="approval-1", approved=approved)
    assert (state["status"], state["text"], len(state["messages"])) == ("ready", f"I can look it up. {said}", 2)


def test_a_resume_shows_the_whole_of_a_message_that_goes_on_with_an_earlier_one(
    sdk: Sdk, system: System, name: str, tmp_path: Path
) -> None:
    first = opened(sdk, system, name, "asks_first")
    sdk.ask("send", name=first, text="To be?", wait=True)
    body, half = {"path": str(tmp_path / "go")}, "I can look it up. It means "
    sdk.ask("approve", name=first, id="approval-1", approved=True, body=body, wait=False)
    messages = sdk.text(first, len(half))["messages"]
    asked = [messages[0], {**messages[1], "parts": messages[1]["parts"][:3]}]  # as a history has them
    tabs = [opened(sdk, system, name, "asks_first", 1, messages=known) for known in ([], messages[:1], asked)]
    for tab in tabs:
        sdk.ask("resume", name=tab)
        assert sdk.text(tab, len(half))["text"] == half
    (tmp_path / "go").touch()
    whole = sdk.status(first, "ready", "error")["messages"][-1]
    assert [part["type"] for part in whole["parts"]] == ["step-start", "text", "tool-look_up", "step-start", "text"]
    for tab in tabs:
        state = sdk.status(tab, "ready", "error")
        assert (state["error"], state["messages"][-1]) == (None, whole)


def test_a_resume_shows_nothing_where_a_worker_of_an_earlier_release_goes_on_with_a_message(
    http: httpx.Client, name: str
) -> None:
    asked = body_of(name)
    asked["messages"].append({"id": "m2", "role": "assistant", "parts": [{"type": "text", "text": "Or not?"}]})
    said = http.post("/v1/chat/goes_on_as_before", json=asked).text
    assert '"messageId":"m2"' in said
    found = http.get(f"/v1/chat/goes_on_as_before/{name}/stream?ended=true")
    assert (found.status_code, found.text) == (200, "data: [DONE]\n\n")


def test_the_answer_has_the_headers_of_the_protocol(http: httpx.Client, name: str) -> None:
    answer = http.post("/v1/chat/say", json=body_of(name))
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messages": [{"id": "m", "role": "robot", "parts": []}]}, "/messages/0/role"),
        ({"messages": [{"id": "m", "role": "user", "parts": ["Hello"]}]}, "/messages/0/parts/0"),
        ({"messages": [{"id": "m", "role": "user"}]}, "/messages/0/parts"),
        ({"messages": [{"id": "m", "role": "user", "parts": [{"text": "Hello"}]}]}, "/messages/0"),
        ({"messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": 1}]}]}, "/messages/0"),
        ({"messages": []}, "/messages"),
        ({"id": "a chat"}, "/id"),
        ({"trigger": "resume-stream"}, "/trigger"),
        ({"chat": 1}, "/chat"),
    ],
)
def test_a_malformed_request_is_refused_by_its_field(
    http: httpx.Client, name: str, change: dict[str, Any], field: str
) -> None:
    answer = http.post("/v1/chat/say", json=body_of(name) | change)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_frame", field)


def test_an_unknown_kind_and_a_field_that_the_kind_has_not_are_refused(http: httpx.Client, name: str) -> None:
    assert http.post("/v1/chat/nothing", json=body_of(name)).json()["code"] == "unknown_kind"
    refused = http.post("/v1/chat/say", json=body_of(name, styl="fancy")).json()
    assert (refused["code"], refused["field"]) == ("invalid_input", "/input/styl")


@pytest.mark.parametrize("call", [("POST", "say"), ("GET", "say/c/stream")])
def test_a_version_of_the_protocol_that_the_server_does_not_speak_is_refused(
    http: httpx.Client, name: str, call: tuple[str, str]
) -> None:
    method, path = call
    headers = {"x-vercel-ai-ui-message-stream": "v2"}
    refused = http.request(method, f"/v1/chat/{path}", json=body_of(name), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "unsupported_version")
    assert "v1" in refused.json()["detail"]
    headers = {"x-vercel-ai-ui-message-stream": "v1"}
    assert http.request(method, f"/v1/chat/{path}", json=body_of(name), headers=headers).status_code in (200, 204)


def test_what_never_was_has_nothing_to_resume_or_stop(http: httpx.Client, name: str) -> None:
    assert http.get(f"/v1/chat/say/{name}/stream").status_code == 204
    assert http.post(f"/v1/chat/say/{name}/stop").status_code == 204
    assert http.get(f"/v1/chat/say/{'x' * 60}/stream").json()["field"] == "/chat"
    assert http.get(f"/v1/chat/say/{name}/stream?ended=yes").json()["field"] == "/ended"


def test_the_same_request_again_gives_the_same_message(http: httpx.Client, name: str) -> None:
    answers = [http.post("/v1/chat/say", json=body_of(name), headers={"idempotency-key": name}) for _ in range(2)]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert answers[0].text == answers[1].text
