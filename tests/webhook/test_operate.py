"""What owners and operators see of deliveries, and what operators do: HTTP, and the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.credential import JWT_SERVER, bearer, token
from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.webhook import decode_secret, new_secret
from webhook.receiver import Answer, Receiver, running_receiver

SECRET = new_secret()
system = system_fixture(
    str(Path(__file__).with_name("webhook_kinds.py")),
    credential=lambda: token("test"),
    worker={"TIDINGS_WEBHOOKS": "true", "TIDINGS_WEBHOOK_SECRETS": SECRET, "TIDINGS_WEBHOOK_BACKOFF_S": "0.05"},
    server=JWT_SERVER,
    both={"TIDINGS_WEBHOOK_HTTP": "true", "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1"},
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


@pytest.fixture
def admin(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.server.url, timeout=scaled(30), headers=bearer(token("root", "admin"))) as client:
        yield client


@pytest.fixture
def alice(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.server.url, timeout=scaled(30), headers=bearer(token("alice"))) as client:
        yield client


def submit(client: httpx.Client, url: str, **more: Any) -> str:
    body = {"kind": "work", "input": {"text": "a"}, "webhook": {"url": url, **more}}
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["token"])


def deliveries(client: httpx.Client, job: str, state: str) -> list[dict[str, Any]]:
    """Return the deliveries of a job, once each is in a state."""
    while True:
        answer = client.get(f"/v1/jobs/{job}/deliveries")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        if found and all(one["state"] == state for one in found):
            return found


def run(system: System, *arguments: str) -> str:
    done = run_tidings("webhook", *arguments, TIDINGS_STORE_URL=system.store.url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_owner_sees_each_delivery_with_its_tries(alice: httpx.Client, receiver: Receiver) -> None:
    receiver.plan = lambda _: Answer(200 if receiver.received else 503, body=b"not now")
    job = submit(alice, receiver.url + "/in?key=hush", id="order-17")
    (one,) = deliveries(alice, job, "delivered")
    assert (one["token"], one["event"], one["url"], one["tries"]) == (job, "succeeded", receiver.url + "/in?…", 2)
    assert one["webhook_id"] == receiver.received[0].id == receiver.received[1].id
    assert [(tried["status"], tried.get("head")) for tried in one["attempts"]] == [(503, "not now"), (200, "not now")]
    assert "hush" not in json.dumps(one)
    assert "ended" in one
    assert "next_try" not in one


def test_a_stranger_sees_nothing(system: System, alice: httpx.Client, receiver: Receiver) -> None:
    job = submit(alice, receiver.url)
    deliveries(alice, job, "delivered")
    path = f"{system.server.url}/v1/jobs/{job}/deliveries"
    assert httpx.get(path, headers=bearer(token("mallory"))).json()["code"] == "unknown_token"
    assert httpx.get(path, headers=bearer(token("alice", "submit"))).status_code == 403
    assert httpx.get(path).status_code == 401
    assert httpx.get(f"{path}?limit=0", headers=bearer(token("alice"))).json()["field"] == "/limit"
    for name in ("", "/places"):
        answer = httpx.get(f"{system.server.url}/v1/admin/webhooks{name}", headers=bearer(token("alice")))
        assert answer.status_code == 403


def test_a_dead_delivery_is_listed_and_replayed_by_an_operator(
    system: System, alice: httpx.Client, admin: httpx.Client, receiver: Receiver
) -> None:
    receiver.plan = lambda _: Answer(500 if len(receiver.received) < 2 else 200)
    job = submit(alice, receiver.url)
    (one,) = deliveries(alice, job, "dead")
    place = f"127.0.0.1:{receiver.port}"
    page = admin.get("/v1/admin/webhooks", params={"state": "dead", "place": place}).json()
    assert [found["id"] for found in page["deliveries"]] == [one["id"]]
    choice = {"ids": [one["id"], "default.nothing_1_1", "nowhere.a_1_1"]}
    acted = admin.post("/v1/admin/webhooks/replay", json=choice).json()
    assert acted["done"] == 1
    assert {refused["why"] for refused in acted["refused"]} == {"gone"}
    assert len(acted["refused"]) == 2
    (again,) = deliveries(alice, job, "delivered")
    assert (again["webhook_id"], again["tries"], len(again["attempts"])) == (one["webhook_id"], 1, 3)
    audit = admin.get("/v1/admin/audit").json()["entries"]
    assert "webhook_replay" in [entry["action"] for entry in audit]


def test_a_host_that_an_operator_pauses_gets_nothing_until_it_is_resumed(
    alice: httpx.Client, admin: httpx.Client, receiver: Receiver
) -> None:
    place = f"127.0.0.1:{receiver.port}"
    assert admin.post("/v1/admin/webhooks/pause", json={"place": place}).json()["done"] == 1
    job = submit(alice, receiver.url)
    (one,) = deliveries(alice, job, "waiting")
    (shown,) = [found for found in admin.get("/v1/admin/webhooks/places").json()["places"] if found["place"] == place]
    assert (shown["paused"], shown["waiting"], shown["queue"]) == (True, 1, "default")
    assert one["id"] in [found["id"] for found in admin.get("/v1/admin/webhooks").json()["deliveries"]]
    assert receiver.received == []
    assert admin.post("/v1/admin/webhooks/resume", json={"place": place}).json()["done"] == 1
    deliveries(alice, job, "delivered")


def test_what_an_operator_asks_wrongly_is_refused_at_its_place(admin: httpx.Client) -> None:
    for method, path, body, field in (
        ("get", "webhooks?state=ended", None, "/state"),
        ("get", "webhooks?queue=nothing", None, "/queue"),
        ("get", "webhooks?limit=501", None, "/limit"),
        ("post", "webhooks/replay", {"ids": []}, "/ids"),
        ("post", "webhooks/drop", {"id": ["a"]}, "/id"),
        ("post", "webhooks/pause", {"place": ""}, "/place"),
        ("post", "webhooks/pause", {"host": "a"}, "/host"),
    ):
        answer = admin.request(method, f"/v1/admin/{path}", json=body)
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["field"] == field


def test_the_command_line_lists_shows_replays_drops_and_pauses(
    system: System, alice: httpx.Client, receiver: Receiver
) -> None:
    receiver.plan = lambda _: Answer(500, body=b"down")
    job = submit(alice, receiver.url)
    (one,) = deliveries(alice, job, "dead")
    listed = run(system, "list", "--state", "dead", "--host", f"127.0.0.1:{receiver.port}")
    assert one["id"] in listed
    assert "500 down" in listed
    (line,) = run(system, "list", "--state", "dead", "--host", f"127.0.0.1:{receiver.port}", "--json").splitlines()
    assert json.loads(line)["webhook_id"] == one["webhook_id"]
    shown = run(system, "show", job)
    assert one["webhook_id"] in shown
    assert shown.count("status 500: down") == 2
    receiver.plan = lambda _: Answer(200)
    assert run(system, "replay", job) == "1 replayed.\n"
    deliveries(alice, job, "delivered")
    assert "0 dropped." in run(system, "drop", one["id"])
    assert "is paused" in run(system, "pause", "quiet.example")
    assert "gets deliveries again" in run(system, "resume", "quiet.example")
    decode_secret(run(system, "secret").strip())


def test_metrics_tell_of_deliveries(system: System, alice: httpx.Client, receiver: Receiver) -> None:
    deliveries(alice, submit(alice, receiver.url), "delivered")
    page = httpx.get(system.server.url + "/metrics").text
    for name in ("pending", "oldest_seconds", "overdue_seconds", "dead"):
        assert f'tidings_webhooks_{name}{{queue="default"}}' in page
