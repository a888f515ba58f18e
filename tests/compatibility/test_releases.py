"""The release before and this checkout on one store: clients, servers and workers of both, as in a rolling deploy.

The tests run in their order, each a stage of the deploy: only the worker of the release before; both; only that of the
checkout; and back.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import redis

from compatibility.release import Release, build_release
from compatibility.stored_jobs import look_until
from support.store import running_store
from support.system import ServerProcess, System, WorkerProcess
from support.timeouts import scaled
from support.waiting import until
from support.web.javascript import node
from webhook.receiver import Receiver, running_receiver

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KINDS = str(HERE / "deploy_kinds.py")
KIND_COUNT = 6
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
WEBHOOKS = {"TIDINGS_WEBHOOK_HTTP": "true", "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1", "TIDINGS_WEBHOOK_SECRETS": SECRET}
OTHER = {"before": "today", "today": "before"}

EXPECTED = {
    "result": "one",
    "watched": "one",
    "failed": "rejected",
    "refused": ["invalid_input", "/input/text"],
    "saga": ["before", "yes", "after"],
}
"""What every client gets."""


class Deploy(NamedTuple):
    """A store with a server of each release."""

    before: Release
    system: System
    servers: dict[str, ServerProcess]
    workers: dict[str, WorkerProcess]
    receiver: Receiver
    notes: Path
    """What the handlers of events write: a token and a release in each line."""

    def start_worker(self, release: str) -> None:
        """Start a worker of a release; return when the store has registered it."""
        environment = {
            "TIDINGS_X_RELEASE": release,
            "TIDINGS_SLOTS": "4",
            "TIDINGS_LEASE_S": "6",
            "TIDINGS_HEARTBEAT_S": "1",
            "TIDINGS_X_NOTES": str(self.notes),
            "TIDINGS_WEBHOOKS": "true",
            **WEBHOOKS,
        }
        worker = self.system.add_worker(KINDS, **environment, **self.python_path(release))
        self.workers[release] = worker
        for server in self.servers.values():
            server.wait_until_ready(kinds=KIND_COUNT)

    def stop_worker(self, release: str) -> None:
        """Let a worker finish and leave."""
        worker = self.workers.pop(release)
        worker.process.terminate()
        assert worker.wait(30) == 0, worker.text()

    def python_path(self, release: str) -> dict[str, str]:
        return {"PYTHONPATH": str(self.before.python)} if release == "before" else {}

    def submit(self, server: str, kind: str, wait: float = 30, **input: Any) -> Any:
        """Return the snapshot of a job that has ended, or with `wait=0` the ack."""
        headers = {"prefer": f"wait={wait:g}"} if wait else {}
        body = {"kind": kind, "input": input}
        answer = httpx.post(self.servers[server].url + "/v1/jobs", json=body, headers=headers, timeout=scaled(40))
        assert answer.status_code == (200 if wait else 202), answer.text
        return answer.json()

    def snapshot(self, server: str, token: str, status: str) -> Any:
        """Return the snapshot of a job in a state, which must come."""
        return look_until(self.servers[server].url, token, status)

    def submit_told(self, server: str) -> str:
        """Submit a job whose end is to be delivered; return its token."""
        body = {"kind": "tell", "input": {"text": server}, "webhook": {"url": f"{self.receiver.url}/{server}"}}
        answer = httpx.post(self.servers[server].url + "/v1/jobs", json=body, timeout=scaled(15))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["token"])

    def delivered(self, *tokens: str) -> None:
        """Return when the ends of jobs have been delivered, each signed."""
        found = self.receiver.wait_for(len(tokens), of=lambda one: one.message["data"]["token"] in tokens)
        assert {one.verified(SECRET)["data"]["token"] for one in found} == set(tokens)

    def submit_cancelled(self, server: str) -> str:
        """Submit a job, and cancel it at the other server: an event for the group. Return its token."""
        body = {"kind": "tell", "input": {"text": "unwanted"}, "delay": 600}
        token = str(httpx.post(self.servers[server].url + "/v1/jobs", json=body, timeout=scaled(15)).json()["token"])
        answer = httpx.delete(f"{self.servers[OTHER[server]].url}/v1/jobs/{token}", timeout=scaled(15))
        assert answer.status_code == 202, answer.text
        return token

    def noted(self, *tokens: str) -> set[str]:
        """Return when the events of jobs have been handled; by the workers of which releases."""

        def lines() -> list[list[str]]:
            return [line.split() for line in self.notes.read_text().splitlines()]

        until(lambda: set(tokens) <= {token for token, _ in lines()}, lambda: (tokens, lines()))
        return {release for token, release in lines() if token in tokens}

    def signal(self, server: str, token: str) -> None:
        url = f"{self.servers[server].url}/v1/jobs/{token}/signals/go"
        assert httpx.post(url, json="yes", timeout=scaled(15)).status_code == 202


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return build_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def deploy(before: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploy]:
    notes = tmp_path_factory.mktemp("notes") / "notes"
    notes.touch()
    with running_store() as store, running_receiver() as receiver:
        system = System(store)
        deploy = Deploy(before, system, {}, {}, receiver, notes)
        try:
            for release in ("before", "today"):
                deploy.servers[release] = ServerProcess(store.url, **WEBHOOKS, **deploy.python_path(release))
                system.servers.append(deploy.servers[release])
            for server in deploy.servers.values():
                server.wait_until_ready()
            yield deploy
        finally:
            system.close()


waiting: dict[str, str] = {}
"""Sagas by the release of the worker that began them."""


def test_both_releases_are_what_they_are_called(deploy: Deploy) -> None:
    """Else every other test of this file would say nothing."""
    where = "import tidings; print(tidings.__file__)"
    for release, folder in (("before", deploy.before.python), ("today", ROOT)):
        environment = {**os.environ, **deploy.python_path(release)}
        found = subprocess.run(
            [sys.executable, "-c", where], env=environment, capture_output=True, text=True, check=True, cwd=folder
        )
        assert Path(found.stdout.strip()).is_relative_to(folder)
    # A header that the release before does not send.
    deploy.start_worker("before")
    applied = []
    for release in ("before", "today"):
        answer = httpx.post(
            deploy.servers[release].url + "/v1/jobs",
            json={"kind": "tell", "input": {"text": "a"}},
            headers={"prefer": "wait=30"},
            timeout=scaled(40),
        )
        applied.append(answer.headers.get("preference-applied"))
    assert applied == [None, "wait=30"]


def test_the_worker_before_runs_what_todays_server_accepts(deploy: Deploy) -> None:
    assert list(deploy.workers) == ["before"]
    job = deploy.submit("today", "tell", text="a")
    assert (job["status"], job["result"]) == ("succeeded", {"by": "before", "text": "a"})
    failed = deploy.submit("today", "refuse")
    assert (failed["status"], failed["problem"]["code"]) == ("failed", "rejected")
    for server in ("before", "today"):
        assert deploy.snapshot(server, job["token"], "succeeded")["log"][0]["data"] == {"text": "a"}
    waiting["before"] = deploy.submit("today", "approve", wait=0)["token"]
    deploy.snapshot("today", waiting["before"], "waiting")
    deploy.delivered(deploy.submit_told("today"))
    assert deploy.noted(deploy.submit_cancelled("today")) == {"before"}


def test_workers_of_both_releases_share_a_queue(deploy: Deploy, tmp_path: Path) -> None:
    deploy.start_worker("today")
    jobs = [deploy.submit(server, "meet", wait=0, folder=str(tmp_path), others=2) for server in ("before", "today") * 4]
    results = [
        deploy.snapshot(OTHER[server], job["token"], "succeeded")["result"]
        for server, job in zip(("before", "today") * 4, jobs, strict=True)
    ]
    assert set(results) == {"before", "today"}


def test_workers_of_both_releases_share_what_is_delivered_and_a_group_s_events(deploy: Deploy) -> None:
    told = [deploy.submit_told(server) for server in ("before", "today") * 4]
    cancelled = [deploy.submit_cancelled(server) for server in ("before", "today") * 4]
    deploy.delivered(*told)
    assert deploy.noted(*cancelled) <= {"before", "today"}


def test_no_process_loads_its_scripts_again_because_another_release_has_its_own(deploy: Deploy) -> None:
    with redis.Redis.from_url(deploy.system.store.url) as store:
        names = libraries(store)
        loads = loads_of(store)
        for number in range(20):
            for server in ("before", "today"):
                deploy.submit(server, "tell", text=str(number))
        assert libraries(store) == names
        assert loads_of(store) == loads
        # One for each text of the scripts, and for each process at most one more that loaded at the same time.
        assert 1 <= len(names) <= 2
        assert loads["calls"] <= 4


def libraries(store: redis.Redis) -> set[bytes]:
    """Return the names of the libraries of functions in the store."""
    listed: Any = store.function_list()
    return {library[library.index(b"library_name") + 1] for library in listed}


def loads_of(store: redis.Redis) -> dict[str, int]:
    found = store.info("commandstats")["cmdstat_function|load"]
    return {name: found[name] for name in ("calls", "failed_calls")}


@pytest.mark.parametrize("client", ["before", "today"])
def test_a_python_client_works_with_the_server_of_the_other_release(deploy: Deploy, client: str) -> None:
    server = OTHER[client]
    found = run(
        [sys.executable, str(HERE / "python_client.py"), deploy.servers[server].url], **deploy.python_path(client)
    )
    assert found == {**EXPECTED, "events": found["events"], "cancelled": True, "sync": "two"}
    assert found["events"][-1] == "succeeded"
    assert {"started", "progress", "log"} <= set(found["events"])


@pytest.mark.parametrize("client", ["before", "today"])
def test_a_javascript_client_works_with_the_server_of_the_other_release(deploy: Deploy, client: str) -> None:
    server = OTHER[client]
    folder = deploy.before.npm if client == "before" else ROOT
    found = run([*node(), str(HERE / "javascript_client.mjs"), str(folder), deploy.servers[server].url])
    expected = {**EXPECTED, "cancelled": "cancelled", "events": ["log", "succeeded"]}
    assert found == {"websocket": expected, "sse": expected}


def run(command: list[str], **environment: str) -> Any:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=scaled(60), env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_todays_worker_goes_on_with_what_the_one_before_began(deploy: Deploy) -> None:
    deploy.stop_worker("before")
    deploy.signal("before", waiting["before"])
    saga = deploy.snapshot("today", waiting["before"], "succeeded")
    assert saga["result"] == [["before", "before"], "yes", ["today", "after"], {"by": "today", "text": "child"}]
    job = deploy.submit("before", "tell", text="b")
    assert job["result"] == {"by": "today", "text": "b"}
    waiting["today"] = deploy.submit("before", "approve", wait=0)["token"]
    deploy.snapshot("before", waiting["today"], "waiting")
    deploy.delivered(deploy.submit_told("before"))
    assert deploy.noted(deploy.submit_cancelled("before")) == {"today"}


@pytest.mark.parametrize(("client", "server"), [("before", "today"), ("today", "before"), ("today", "today")])
def test_a_client_gets_a_stream_as_far_as_it_and_the_server_know_streams(
    deploy: Deploy, client: str, server: str
) -> None:
    """One of a release that knows none gets the result; what one shows is a beginning of what the job said."""
    url, whole = deploy.servers[server].url, "to be, or not"
    folder = deploy.before.npm if client == "before" else ROOT
    python = run([sys.executable, str(HERE / "stream_client.py"), url, whole], **deploy.python_path(client))
    script = run([*node(), str(HERE / "stream_client.mjs"), str(folder), url, whole])
    for found in (python, script):
        assert found["result"] == whole
        assert whole.startswith("".join(found["read"] or []))
        assert found["read"] is not None or client == "before"
        if client == server == "today":
            assert "".join(found["read"]) == whole


def test_the_worker_before_goes_on_with_what_todays_began_as_in_a_downgrade(deploy: Deploy) -> None:
    deploy.stop_worker("today")
    queued = deploy.submit("today", "tell", wait=0, text="c")["token"]
    told, cancelled = deploy.submit_told("today"), deploy.submit_cancelled("today")
    deploy.start_worker("before")
    assert deploy.snapshot("before", queued, "succeeded")["result"] == {"by": "before", "text": "c"}
    deploy.signal("today", waiting["today"])
    saga = deploy.snapshot("before", waiting["today"], "succeeded")
    assert saga["result"] == [["today", "before"], "yes", ["before", "after"], {"by": "before", "text": "child"}]
    deploy.delivered(told)
    assert deploy.noted(cancelled) == {"before"}


def test_nothing_was_delivered_or_handled_twice(deploy: Deploy) -> None:
    delivered = Counter(one.id for one in deploy.receiver.received)
    handled = Counter(line.split()[0] for line in deploy.notes.read_text().splitlines())
    assert (len(delivered), set(delivered.values())) == (11, {1})
    assert (set(handled.values()), len(handled) >= 11) == ({1}, True)


def test_no_process_of_either_release_complained(deploy: Deploy) -> None:
    for process in [*deploy.system.servers, *deploy.system.workers]:
        complaints = [
            line
            for line in process.text().splitlines()
            if '"level":"error"' in line.replace(" ", "") or "Traceback" in line
        ]
        assert complaints == [], process.text()
