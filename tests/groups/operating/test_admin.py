"""Groups of consumers over HTTP: what operators see and do, and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from groups.fleet import KINDS, Fleet
from support.credential import JWT_SERVER, bearer, token
from support.system import running_system
from support.timeouts import scaled
from support.waiting import until
from tidings import SyncClient


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS)
        system.add_server(credential=token("test"), **JWT_SERVER)
        fleet = Fleet(system, tmp_path_factory.mktemp("groups") / "notes")
        fleet.ready(fleet.start())
        yield fleet


@pytest.fixture
def admin(fleet: Fleet) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=fleet.system.server.url + "/v1/admin/", timeout=scaled(30), headers=bearer(token("root", "admin"))
    ) as client:
        yield client


def end(fleet: Fleet, text: str = "") -> str:
    with SyncClient(fleet.system.server.url, credential=lambda: token("alice")) as client:
        handle = client.submit("order.placed", text=text)
        handle.result(timeout=scaled(30))
        return handle.token


def group(admin: httpx.Client, name: str = "billing", **wanted: Any) -> dict[str, Any]:
    """Return where a group stands in the queue `default`, once that is as wanted."""

    def group() -> dict[str, Any]:
        found: list[dict[str, Any]] = admin.get("groups").json()["groups"]
        (one,) = (one for one in found if (one["group"], one["queue"]) == (name, "default"))
        return one

    def as_wanted() -> dict[str, Any]:
        one = group()
        return one if all(one[field] == value for field, value in wanted.items()) else {}

    return until(as_wanted, group)


def act(admin: httpx.Client, what: str, **body: Any) -> list[dict[str, Any]]:
    answer = admin.post(f"groups/{what}", json={"group": "billing", **body})
    assert answer.status_code == 200, answer.text
    changes: list[dict[str, Any]] = answer.json()["changes"]
    return changes


def test_one_group_is_paused_skips_replays_and_each_act_is_recorded(fleet: Fleet, admin: httpx.Client) -> None:
    end(fleet)
    shown = group(admin, behind=0, handled=1)
    assert shown["follows"] == [
        "order.placed: succeeded, failed, cancelled, expired",
        "order.refused: succeeded, failed, cancelled, expired",
    ]
    assert (shown["missed"], shown["missed_at"], shown["paused"], shown["dead"]) == (0, None, False, 0)
    (paused,) = act(admin, "pause", queue="default")
    assert (paused["queue"], paused["answer"]) == ("default", "ok")
    assert act(admin, "pause")[0]["answer"] == "same"
    end(fleet)
    assert group(admin, behind=1)["paused"] is True
    group(admin, "search", behind=0, handled=2)
    (skipped,) = act(admin, "skip")
    assert skipped["answer"] == "ok"
    assert group(admin)["position"] == skipped["position"]
    act(admin, "resume")
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    handled = 1
    for began, again in (({"from_start": True}, 2), ({"since": before}, 2), ({"position": shown["position"]}, 1)):
        assert act(admin, "replay", **began)[0]["answer"] == "ok"
        handled += again
        group(admin, behind=0, handled=handled)
    assert len(fleet.noted(handler="index")) == 2, "the other group stays where it is"
    acts = [(one["action"], one["who"]) for one in admin.get("audit").json()["entries"] if "group" in one["action"]]
    assert sorted(set(acts)) == [("move_group", "root"), ("pause_group", "root"), ("resume_group", "root")]


def test_dead_events_are_listed_and_given_again(fleet: Fleet, admin: httpx.Client) -> None:
    job = end(fleet, "reject:")
    group(admin, dead=1)
    (letter,) = admin.get("groups/dead", params={"group": "billing"}).json()["letters"]
    assert (letter["token"], letter["event"], letter["tries"]) == (job, "succeeded", 1)
    assert letter["why"] == "this is no order"
    assert act(admin, "retry", letters=["1-1"])[0] == {
        "queue": "default", "answer": "gone", "position": None, "dropped": 0, "first": None, "events": 0,
    }  # fmt: skip
    assert act(admin, "retry", letters=[letter["letter"]])[0]["events"] == 1
    group(admin, dead=1)  # it is rejected again
    assert len(fleet.noted(handler="bill", token=job)) == 2
    assert act(admin, "retry", queue="default")[0]["events"] == 1


def test_a_group_without_a_worker_is_forgotten(fleet: Fleet, admin: httpx.Client) -> None:
    assert act(admin, "forget", group="audit")[0]["answer"] == "ok"
    assert admin.get("groups/dead", params={"group": "nothing"}).status_code == 404


@pytest.mark.parametrize(
    ("what", "body", "status", "field"),
    [
        ("pause", {"group": "nothing"}, 404, "/group"),
        ("pause", {"group": "billing", "queue": "large"}, 404, "/queue"),
        ("pause", {}, 400, "/group"),
        ("skip", {"group": ""}, 400, "/group"),
        ("replay", {"group": "billing"}, 400, "/since"),
        ("replay", {"group": "billing", "since": "soon"}, 400, "/since"),
        ("replay", {"group": "billing", "from_start": True, "position": "1-1"}, 400, "/since"),
        ("replay", {"group": "billing", "position": "first"}, 400, "/position"),
        ("retry", {"group": "billing", "letters": []}, 400, "/letters"),
        ("retry", {"group": "billing", "letter": "1-1"}, 400, "/letter"),
    ],
)
def test_what_is_asked_wrongly_is_refused_at_its_place(
    admin: httpx.Client, what: str, body: dict[str, Any], status: int, field: str
) -> None:
    answer = admin.post(f"groups/{what}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json().get("field", "") == field


def test_a_page_opens_the_feed_by_a_ticket_which_holds_once(fleet: Fleet) -> None:
    url = fleet.system.server.url

    def ticket(scopes: str) -> str:
        answer = httpx.post(f"{url}/v1/tickets", headers=bearer(token("search", scopes)), timeout=scaled(20))
        return str(answer.json()["ticket"])

    once = ticket("feed")
    with httpx.stream("GET", f"{url}/v1/feed?kind=order.*&ticket={once}", timeout=scaled(20)) as feed:
        assert feed.status_code == 200
        assert any(line == "event: open" for line in feed.iter_lines())
    assert httpx.get(f"{url}/v1/feed?ticket={once}", timeout=scaled(20)).status_code == 401
    refused = httpx.get(f"{url}/v1/feed?ticket={ticket('watch')}", timeout=scaled(20))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_only_operators_see_and_move_groups(fleet: Fleet) -> None:
    with httpx.Client(base_url=fleet.system.server.url, headers=bearer(token("alice", "submit watch feed"))) as alice:
        assert alice.get("/v1/admin/groups").status_code == 403
        assert alice.post("/v1/admin/groups/skip", json={"group": "billing"}).status_code == 403
