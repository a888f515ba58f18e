"""Rotating secrets as docs/how-to/rotate-secrets.md says: no client and no job notices."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from support.store import StoreProcess, running_store
from support.system import Process, ServerProcess, WorkerProcess
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.settings.settings import settings_of
from tidings_server.auth.api_key import new_key, setting_line
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/how-to/rotate-secrets.md"


@pytest.fixture
def store() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


def run(server: ServerProcess, key: str = "") -> str:
    """Run a job, and return what became of it."""
    headers = {"prefer": f"wait={int(scaled(20))}", **({"authorization": f"Bearer {key}"} if key else {})}
    job = {"kind": "noop", "input": {}}
    answer = httpx.post(server.url + "/v1/jobs", json=job, headers=headers, timeout=scaled(30))
    return str(answer.json().get("code") or answer.json()["status"])


def test_the_store_s_password_is_replaced_while_processes_run(store: StoreProcess) -> None:
    with redis.Redis(port=store.port) as admin:
        rules: dict[str, Any] = {"enabled": True, "keys": ["t:*"], "channels": ["t:*"], "categories": ["+@all"]}
        admin.acl_setuser("tidings", passwords=["+old"], **rules)
        old, new = (f"redis://tidings:{word}@127.0.0.1:{store.port}/0" for word in ("old", "new"))
        processes: list[Process] = [first := ServerProcess(old), WorkerProcess(old)]
        try:
            first.wait_until_ready(kinds=1)
            admin.acl_setuser("tidings", enabled=True, passwords=["+new"])
            processes += [server := ServerProcess(new), WorkerProcess(new)]
            server.wait_until_ready(kinds=1)
            for one in processes[:2]:
                one.close()
            admin.acl_setuser("tidings", enabled=True, passwords=["-old"])
            assert run(server) == "succeeded"
            refused = run_tidings("status", TIDINGS_STORE_URL=old)
            assert refused.returncode == 3
            assert "refuses the user name or password" in refused.stderr
            assert run_tidings("status", TIDINGS_STORE_URL=new).returncode == 0
        finally:
            for one in processes:
                one.close()


def test_an_api_key_is_replaced_and_its_owner_keeps_the_jobs(store: StoreProcess) -> None:
    old, new = new_key(), new_key()
    lines = {word: setting_line("shop", word) for word in (old, new)}
    worker = WorkerProcess(store.url)
    try:
        tokens = []
        for keys, works, refused in (([old], old, new), ([old, new], new, ""), ([new], new, old)):
            settings = {"TIDINGS_AUTH": "api_key", "TIDINGS_API_KEYS": ",".join(lines[one] for one in keys)}
            server = ServerProcess(store.url, works, **settings).wait_until_ready(kinds=1)
            try:
                job = {"kind": "noop", "input": {}}
                bearer = {"authorization": f"Bearer {works}"}
                tokens.append(httpx.post(server.url + "/v1/jobs", json=job, headers=bearer).json()["token"])
                # The jobs of the old key are those of its name.
                assert {server.get(f"/v1/jobs/{token}")[0] for token in tokens} == {200}
                if refused:
                    assert run(server, refused) == "unauthenticated"
            finally:
                server.close()
    finally:
        worker.close()


def test_the_guide_has_a_row_for_every_secret_that_there_is() -> None:
    guide = GUIDE.read_text()
    secrets = {one.variable for kind in (ServerSettings, WorkerSettings) for one in settings_of(kind) if one.secret}
    assert len(secrets) >= 4
    for variable in {*secrets, "TIDINGS_STORE_URL", "TIDINGS_WEBHOOK_CALLERS_FILE"}:
        assert re.search(rf"^\|.*`{variable}`", guide, re.MULTILINE), variable
