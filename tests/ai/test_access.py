"""Whose chats a client may resume and stop, and what cuts the connection of one that reads."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings_server.auth.api_key import new_key, setting_line

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "chat_kinds.py")
ALICE, BOB = new_key(), new_key()

system = system_fixture(
    KINDS,
    credential=lambda: ALICE,
    server={
        "TIDINGS_AUTH": "api_key",
        "TIDINGS_API_KEYS": ",".join([setting_line("alice", ALICE), setting_line("bob", BOB)]),
        "TIDINGS_MAX_CONNECTIONS_PER_CALLER": "3",
    },
)


@contextlib.contextmanager
def client(system: System, credential: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {credential}"}
    with httpx.Client(base_url=system.server.url, timeout=scaled(15), headers=headers) as http:
        yield http


@pytest.fixture
def alice(system: System) -> Iterator[httpx.Client]:
    with client(system, ALICE) as http:
        yield http


@pytest.fixture
def bob(system: System) -> Iterator[httpx.Client]:
    with client(system, BOB) as http:
        yield http


@pytest.fixture
def name() -> str:
    """Return the id of a chat that is new."""
    return uuid.uuid4().hex


def asked(name: str, path: Path) -> dict[str, Any]:
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "To be?"}]}
    return {"id": name, "messages": [message], "path": str(path)}


@contextlib.contextmanager
def begun(http: httpx.Client, name: str, path: Path) -> Iterator[tuple[httpx.Response, Iterator[str]]]:
    """Ask, and read the answer to its first word."""
    with http.stream("POST", "/v1/chat/waits", json=asked(name, path)) as answer:
        lines = answer.iter_lines()
        assert any("text-delta" in line for line in lines)
        yield answer, lines


def test_a_chat_of_another_is_none_and_a_grant_for_its_tag_opens_it(
    system: System, alice: httpx.Client, bob: httpx.Client, name: str, tmp_path: Path
) -> None:
    with begun(alice, name, tmp_path / "go") as (answer, lines):
        assert bob.get(f"/v1/chat/waits/{name}/stream").status_code == 204
        assert bob.post(f"/v1/chat/waits/{name}/stop").status_code == 204
        grant = alice.post("/v1/grants", json={"tag": f"chat:{name}", "may": ["watch"]}).json()["grant"]
        with client(system, grant) as page, page.stream("GET", f"/v1/chat/waits/{name}/stream") as resumed:
            assert resumed.headers["location"] == answer.headers["location"]
            assert page.post(f"/v1/chat/waits/{name}/stop").json()["code"] == "forbidden"
            (tmp_path / "go").touch()
            texts = ["".join(line for line in read if "text-delta" in line) for read in (lines, resumed.iter_lines())]
            assert texts[1].endswith(texts[0])
        assert alice.get(answer.headers["location"]).json()["status"] == "succeeded"


def test_without_a_credential_nothing_is_open(system: System, name: str, tmp_path: Path) -> None:
    with httpx.Client(base_url=system.server.url) as http:
        answers = [
            http.post("/v1/chat/waits", json=asked(name, tmp_path)),
            http.get(f"/v1/chat/waits/{name}/stream"),
            http.post(f"/v1/chat/waits/{name}/stop"),
        ]
    assert [answer.status_code for answer in answers] == [401] * 3


def test_open_answers_count_among_the_callers_connections(alice: httpx.Client, name: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(3):
            stack.enter_context(begun(alice, f"{name}-{number}", tmp_path / "never"))
        refused = alice.post("/v1/chat/waits", json=asked(name, tmp_path))
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    for number in range(3):
        assert alice.post(f"/v1/chat/waits/{name}-{number}/stop").status_code == 202
    assert alice.get("/v1/jobs", params={"tag": f"chat:{name}"}).json()["jobs"] == []


def test_a_server_that_drains_cuts_the_connection_and_another_goes_on(
    system: System, alice: httpx.Client, name: str, tmp_path: Path
) -> None:
    settings = {"TIDINGS_AUTH": "api_key", "TIDINGS_API_KEYS": setting_line("alice", ALICE)}
    leaving = system.add_server(ALICE, **settings)
    with httpx.Client(base_url=leaving.url, timeout=scaled(15), headers=alice.headers) as http:
        with begun(http, name, tmp_path / "go") as (answer, lines):
            leaving.process.terminate()
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
                list(lines)
        assert leaving.wait() == 0, leaving.text()
    assert "ASGI" not in leaving.text()
    (tmp_path / "go").touch()
    resumed = alice.get(f"/v1/chat/waits/{name}/stream?ended=true")
    assert resumed.headers["location"] == answer.headers["location"]
    assert resumed.text.endswith('data: {"type":"finish"}\n\ndata: [DONE]\n\n')
