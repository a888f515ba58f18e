"""Deliveries from end to end: server, worker, a receiver on loopback."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudevents.core.v1.event
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.process.port import free_port
from tidings.webhook import new_secret
from webhook.receiver import Answer, Receiver, running_receiver

SECRET, OTHER = new_secret(), new_secret()
KIND_PORT = free_port()
KINDS = str(Path(__file__).parents[1] / "webhook_kinds.py")
system = system_fixture(
    KINDS,
    worker={
        "TIDINGS_WEBHOOKS": "true",
        "TIDINGS_WEBHOOK_SECRETS": f"{SECRET},{OTHER}",
        "TIDINGS_WEBHOOK_BACKOFF_S": "0.05,0.05,0.05",
        "TIDINGS_WEBHOOK_TIMEOUT_S": "2",
        "TIDINGS_MAX_WEBHOOK_BYTES": "100000",
        "TIDINGS_X_KIND_URL": f"http://127.0.0.1:{KIND_PORT}/kind?key=hush",
    },
    both={"TIDINGS_WEBHOOK_HTTP": "true", "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1"},
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


def post(system: System, webhook: Any, kind: str = "work", **input: Any) -> str:
    body = json.dumps({"kind": kind, "input": input, "webhook": webhook}).encode()
    request = urllib.request.Request(system.server.url + "/v1/jobs", body)
    with urllib.request.urlopen(request, timeout=scaled(30)) as answer:
        return str(json.load(answer)["token"])


def refusal(system: System, webhook: Any) -> dict[str, Any]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(system, webhook)
    with caught.value as error:
        return json.load(error)  # type: ignore[no-any-return]


def test_the_end_of_a_job_is_delivered_and_signed_with_each_secret(system: System, receiver: Receiver) -> None:
    token = post(system, {"url": receiver.url + "/in?key=1"}, text="hello")
    (one,) = receiver.wait_for()
    message = one.verified(SECRET)
    assert one.verified(OTHER) == message
    assert len(one.headers["webhook-signature"].split()) == 2
    assert (one.path, one.headers["content-type"]) == ("/in?key=1", "application/json")
    assert message["type"] == "tidings.job.succeeded"
    assert message["data"] == {
        "token": token, "kind": "work", "status": "succeeded", "seq": message["data"]["seq"],
        "result": {"text": "hello"}, "correlation_id": token,
    }  # fmt: skip


def test_a_failure_brings_its_problem(system: System, receiver: Receiver) -> None:
    post(system, {"url": receiver.url, "id": "order-17"}, fail=True)
    (one,) = receiver.wait_for()
    assert one.message["type"] == "tidings.job.failed"
    assert one.message["data"]["problem"]["code"] == "rejected"
    assert one.id.startswith("order-17_")


def test_other_events_come_where_they_are_asked_for(system: System, receiver: Receiver) -> None:
    post(system, {"url": receiver.url, "events": ["started", "progress", "succeeded"]}, text="a")
    found = {one.message["type"]: one.message["data"] for one in receiver.wait_for(3)}
    assert found.keys() == {
        "tidings.job.started",
        "tidings.job.progress",
        "tidings.job.succeeded",
    }
    assert found["tidings.job.progress"]["event_data"]["message"] == "half"
    assert found["tidings.job.started"]["status"] == "running"
    assert len({one.id for one in receiver.received}) == 3


def test_a_failing_receiver_gets_it_again_under_the_same_id(system: System, receiver: Receiver) -> None:
    receiver.plan = lambda _: Answer(500 if len(receiver.received) < 2 else 200)
    post(system, {"url": receiver.url})
    found = receiver.wait_for(3)
    assert len({one.id for one in found}) == 1
    assert len({one.body for one in found}) == 1
    for one in found:
        one.verified(SECRET)


@pytest.mark.parametrize(
    "answer",
    [Answer(cut=True), Answer(hang_s=60), Answer(404), Answer(303, {"location": "/other"}), Answer(304)],
    ids=["cut", "hang", "404", "303", "304"],
)
def test_whatever_is_no_success_is_tried_again(system: System, receiver: Receiver, answer: Answer) -> None:
    receiver.plan = lambda _: Answer() if receiver.received else answer
    post(system, {"url": receiver.url})
    assert len({one.id for one in receiver.wait_for(2)}) == 1


def test_a_receiver_that_wants_no_more_is_not_asked_again(system: System, receiver: Receiver) -> None:
    receiver.plan = lambda one: Answer(410 if one.path == "/gone" else 200)
    gone = post(system, {"url": receiver.url + "/gone"})
    receiver.wait_for(1)
    post(system, {"url": receiver.url + "/other"})
    receiver.wait_for(2)
    assert [one.path for one in receiver.received] == ["/gone", "/other"]
    assert gone


def test_the_pause_that_a_receiver_asks_for_is_kept(system: System, receiver: Receiver) -> None:
    receiver.plan = lambda _: Answer(200 if len(receiver.received) else 503, {"retry-after": "1"})
    post(system, {"url": receiver.url})
    first, second = receiver.wait_for(2)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 1


def test_redirects_are_followed_at_most_three_times_with_the_same_body(system: System, receiver: Receiver) -> None:
    def plan(one: Any) -> Answer:
        step = int(one.path.removeprefix("/"))
        return Answer(200 if step == 13 else 307 if step % 2 else 301, {"location": f"/{step + 1}"})

    receiver.plan = plan
    post(system, {"url": receiver.url + "/10"})
    found = receiver.wait_for(4)
    assert [one.path for one in found] == ["/10", "/11", "/12", "/13"]
    assert len({one.body for one in found}) == 1
    receiver.received.clear()
    post(system, {"url": receiver.url + "/20"})
    found = receiver.wait_for(8)
    assert [one.path for one in found[:5]] == ["/20", "/21", "/22", "/23", "/20"]


@pytest.mark.parametrize("to", ["http://10.0.0.1/", "https://127.0.0.1/", "http://[::1]:1/", "file:///etc/passwd"])
def test_a_redirect_to_where_it_may_not_go_is_not_followed(system: System, receiver: Receiver, to: str) -> None:
    target = to.replace("[::1]:1", f"[::1]:{receiver.port}")
    receiver.plan = lambda _: Answer(307, {"location": target}) if len(receiver.received) < 1 else Answer()
    post(system, {"url": receiver.url + "/first"})
    found = receiver.wait_for(2)
    assert [one.path for one in found] == ["/first", "/first"]


def test_a_redirect_to_another_port_is_not_followed(system: System, receiver: Receiver) -> None:
    with running_receiver() as other:
        receiver.plan = lambda _: (
            Answer(307, {"location": other.url + "/in"}) if len(receiver.received) < 2 else Answer()
        )
        post(system, {"url": receiver.url + "/first"})
        receiver.wait_for(3)
        assert other.received == []


def test_a_large_result_is_sent_and_one_that_is_too_large_is_left_out_and_says_so(
    system: System, receiver: Receiver
) -> None:
    post(system, {"url": receiver.url + "/large"}, size=90_000)
    (one,) = receiver.wait_for(1)
    assert one.message["data"]["result"] == {"text": "x" * 90_000}
    post(system, {"url": receiver.url + "/larger"}, size=100_000)
    (one,) = receiver.wait_for(1, of=lambda one: one.path == "/larger")
    assert "result" not in one.message["data"]
    assert one.message["data"]["result_left_out"]["limit"] == 100_000
    assert one.message["data"]["result_left_out"]["bytes"] > 100_000


def test_a_cloudevent_is_what_its_official_package_reads(system: System, receiver: Receiver) -> None:
    token = post(system, {"url": receiver.url, "format": "cloudevents"}, text="ü")
    (one,) = receiver.wait_for()
    one.verified(SECRET)
    assert one.headers["content-type"] == "application/cloudevents+json"
    event = from_structured(
        HTTPMessage(headers=dict(one.headers), body=one.body), JSONFormat(), cloudevents.core.v1.event.CloudEvent
    )
    assert (event.get_type(), event.get_subject(), event.get_id()) == ("tidings.job.succeeded", token, one.id)
    assert event.get_source() == "urn:tidings:queue:default"
    assert event.get_specversion() == "1.0"
    assert event.get_data()["result"] == {"text": "ü"}  # type: ignore[index,call-overload]


def test_a_host_that_hangs_holds_up_no_other(system: System) -> None:
    with running_receiver(lambda _: Answer(hang_s=60)) as slow, running_receiver() as quick:
        for _ in range(40):
            post(system, {"url": slow.url})
        for _ in range(20):
            post(system, {"url": quick.url})
        quick.wait_for(20)
        assert len(slow.received) <= 20  # of the 40 so many are under way at a time


@pytest.mark.parametrize(
    ("webhook", "field", "says"),
    [
        ({}, "/webhook/url", "missing"),
        ({"url": ""}, "/webhook/url", "length"),
        ({"url": "https://h.example/" + "x" * 2_040}, "/webhook/url", "2048"),
        ({"url": "ftp://h.example/"}, "/webhook/url", "must begin with https://"),
        ({"url": "https://me:pw@h.example/"}, "/webhook/url", "user name or password"),
        ({"url": "https://10.0.0.1/"}, "/webhook/url", "not a public address (private)"),
        ({"url": "https://h.example/", "events": []}, "/webhook/events", "length"),
        ({"url": "https://h.example/", "events": ["ended"]}, "/webhook/events/0", "ended"),
        ({"url": "https://h.example/", "events": ["failed", "failed"]}, "/webhook/events", "twice"),
        ({"url": "https://h.example/", "id": "a.b"}, "/webhook/id", "1 to 64 letters"),
        ({"url": "https://h.example/", "format": "xml"}, "/webhook/format", "xml"),
        ({"url": "https://h.example/", "event": ["failed"]}, "/webhook/event", "events"),
        ("https://h.example/", "/webhook", "object"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_webhook_is_refused_at_its_place(system: System, webhook: Any, field: str, says: str) -> None:
    problem = refusal(system, webhook)
    assert (problem["code"], problem["status"]) == ("invalid_frame", 400)
    assert problem["field"] == field
    assert says in problem["detail"], problem["detail"]


def test_a_kind_has_a_webhook_of_its_own_beside_the_submission_s_and_clients_do_not_see_it(
    system: System, receiver: Receiver
) -> None:
    with running_receiver(port=KIND_PORT) as of_kind:
        post(system, {"url": receiver.url}, kind="telling")
        types = {one.message["type"] for one in of_kind.wait_for(2)}
        assert types == {"tidings.job.started", "tidings.job.succeeded"}
        assert receiver.wait_for()[0].message["type"] == "tidings.job.succeeded"
    kinds = {kind["kind"]: kind for kind in system.server.get("/v1/kinds")[1]["kinds"]}
    assert kinds["telling"]["webhook"] is None


def test_no_log_holds_a_secret_or_the_query_of_a_url(system: System, receiver: Receiver) -> None:
    receiver.plan = lambda _: Answer(500 if len(receiver.received) < 2 else 200, body=b"no")
    post(system, {"url": receiver.url + "/in?token=geheimnis"})
    receiver.wait_for(3)
    for process in (*system.servers, *system.workers):
        for secret in ("geheimnis", SECRET, OTHER, SECRET.removeprefix("whsec_")):
            assert secret not in process.text()
    assert '"webhook_failed"' in system.workers[0].text()
