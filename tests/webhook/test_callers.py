"""The file of callers changes while servers and workers run: no restart, and no gap."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from support.credential import JWT_SERVER, bearer, token
from support.system import System, running_system
from support.timeouts import scaled
from tidings.webhook import new_secret
from tidings.webhook.caller_file import CallerWebhook
from tidings.webhook.caller_reload import CallerReload
from webhook.log_lines import wait_for
from webhook.receiver import running_receiver

SHARED, OWN, NEXT = new_secret(), new_secret(), new_secret()
KINDS = str(Path(__file__).with_name("webhook_kinds.py"))


def write(file: Path, callers: Any) -> None:
    """Exchange the file as a whole."""
    beside = file.with_suffix(".new")
    beside.write_text(callers if isinstance(callers, str) else json.dumps(callers))
    beside.rename(file)


async def test_a_file_that_changed_is_read_again_and_one_that_did_not_is_not(tmp_path: Path) -> None:
    file = tmp_path / "callers.json"
    write(file, {"alice": {"secrets": [OWN]}})
    given: list[Mapping[str, CallerWebhook]] = []
    reload = CallerReload(str(file), given.append)
    assert reload.callers["alice"].secrets == (OWN,)
    await reload.look()
    assert len(given) == 1
    write(file, {"alice": {"secrets": [OWN, NEXT]}})
    with capture_logs() as lines:
        await reload.look()
    assert given[-1]["alice"].secrets == (OWN, NEXT)
    assert [one["event"] for one in lines] == ["webhook_callers_read"]
    assert len(given) == 2


@pytest.mark.parametrize("text", ["{", '{"alice": {"secrets": ["whsec_hush"]}}', None])
async def test_a_file_that_is_wrong_or_away_leaves_what_there_was(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "callers.json"
    write(file, {"alice": {"secrets": [OWN]}})
    reload = CallerReload(str(file))
    file.unlink() if text is None else write(file, text)
    with capture_logs() as lines:
        await reload.look()
        await reload.look()
    assert reload.callers["alice"].secrets == (OWN,)
    (line,) = lines  # told once, not at each look
    assert (line["event"], line["log_level"]) == ("webhook_callers_refused", "error")
    assert "hush" not in str(line)
    write(file, {"bob": {}})
    await reload.look()
    assert list(reload.callers) == ["bob"]


async def test_what_the_process_refuses_leaves_what_there_was(tmp_path: Path) -> None:
    file = tmp_path / "callers.json"
    write(file, {})

    def refuse(callers: Mapping[str, CallerWebhook]) -> None:
        if callers:
            raise ValueError("not these")

    reload = CallerReload(str(file), refuse)
    write(file, {"alice": {"url": "nonsense"}})
    with capture_logs() as lines:
        await reload.look()
    assert reload.callers == {}
    assert lines[0]["error"] == "not these"


async def test_without_a_file_nothing_is_looked_for() -> None:
    reload = CallerReload("")
    await reload.run()
    assert reload.callers == {}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    write(tmp_path / "callers.json", {"alice": {"secrets": [OWN]}})
    both = {
        "TIDINGS_WEBHOOK_CALLERS_FILE": str(tmp_path / "callers.json"),
        "TIDINGS_WEBHOOK_HTTP": "true",
        "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1",
    }
    with running_system(servers=0, workers=0) as found:
        found.add_worker(KINDS, TIDINGS_WEBHOOKS="true", TIDINGS_WEBHOOK_SECRETS=SHARED, **both)
        found.add_server(credential=token("test"), **JWT_SERVER, **both)
        yield found


def test_a_running_system_delivers_and_signs_as_the_new_file_says(system: System, tmp_path: Path) -> None:
    with (
        running_receiver() as asked,
        running_receiver() as of_owner,
        httpx.Client(base_url=system.server.url, timeout=scaled(30), headers=bearer(token("alice"))) as alice,
    ):
        body = {"kind": "work", "input": {"text": "a"}, "webhook": {"url": asked.url}}
        assert alice.post("/v1/jobs", json=body).status_code == 202
        asked.wait_for(1)[0].verified(OWN)
        write(tmp_path / "callers.json", {"alice": {"url": of_owner.url, "secrets": [NEXT]}})
        for process in (*system.servers, *system.workers):
            wait_for(process, "webhook_callers_read")
        assert alice.post("/v1/jobs", json={"kind": "work", "input": {"text": "b"}}).status_code == 202
        of_owner.wait_for(1)[0].verified(NEXT)
        assert len(asked.received) == 1
