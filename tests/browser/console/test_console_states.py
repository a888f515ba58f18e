"""No page of the console throws: not on any state of a job, nor on answers with as little as their types allow."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from browser.answers import answer
from browser.context import CONSOLE_PAGES
from support.system import JOBS, System, system_fixture
from support.timeouts import scaled
from tidings import SubmitOptions, SyncClient
from tidings.protocol.frames import admin_messages, group_messages
from tidings.protocol.frames.kind_messages import KindChangeList
from tidings.protocol.frames.overview import OverviewBody
from tidings.protocol.frames.saga_messages import SagaList
from tidings.protocol.states import State
from tidings.protocol.webhooks import DeliveryPage, PlaceList


class Shown(NamedTuple):
    """A console, and what went wrong in it so far."""

    page: Page
    errors: list[str]


system = system_fixture(str(JOBS), str(JOBS.with_name("handlers") / "saga_kinds.py"))


@pytest.fixture
def console(context: BrowserContext, system: System) -> Iterator[Shown]:
    """A console; an error of a script, or one written to its log, fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield Shown(page, errors)
    assert errors == []


def settled(http: httpx.Client, token: str, status: str) -> str:
    """Return the token once its job has come into a state."""
    seen = ""
    while seen != status:
        seen = http.get(f"/v1/jobs/{token}", headers={"prefer": "wait=1"}).json()["status"]
        assert seen in (status, "queued", "running", "scheduled", "waiting"), seen
    return token


def paused(http: httpx.Client, submit: Callable[[], str]) -> str:
    """Return a job that waits in a queue which has just been paused: what was asked for before is still handed out."""
    while True:
        token = submit()
        asked = http.get(f"/v1/jobs/{token}", headers={"prefer": "wait=2"})
        if asked.json()["status"] == "queued":
            return token


def all_states(client: SyncClient, http: httpx.Client, path: Path) -> Iterator[tuple[str, str]]:
    """Yield a job in each state there is, in several ways to it."""

    def submit(kind: str, input_: dict[str, Any] | None = None, **options: Any) -> str:
        return client.submit(kind, input_ or {}, options=SubmitOptions(watch=False, **options)).token

    def stopped(token: str) -> str:
        assert http.post(f"/v1/admin/jobs/{token}/cancel").status_code == 202
        return token

    never = {"path": str(path / "never")}
    made: list[tuple[str, Callable[[], str]]] = [
        ("succeeded", lambda: submit("noop")),
        ("succeeded", lambda: submit("build")),
        ("failed", lambda: submit("raises", {"secret": "s"})),
        ("failed", lambda: submit("mended", never)),
        ("failed", lambda: submit("build", {"fail": True})),
        ("running", lambda: submit("wait_for_file", never)),
        ("waiting", lambda: submit("ask")),
        ("scheduled", lambda: submit("noop", delay=600)),
        ("cancelled", lambda: stopped(submit("noop", delay=600))),
        ("cancelled", lambda: stopped(settled(http, submit("wait_for_file", never), "running"))),
        ("cancelled", lambda: stopped(settled(http, submit("ask"), "waiting"))),
        ("expired", lambda: submit("wait_for_file", never, deadline=0.5)),
        ("expired", lambda: submit("noop", delay=600, deadline=0.5)),
    ]
    for status, make in made:
        yield status, settled(http, make(), status)
    assert http.post("/v1/admin/queues/default/pause").status_code == 200
    yield "queued", paused(http, lambda: submit("noop"))


def test_a_job_in_any_state_has_a_page(console: Shown, system: System, tmp_path: Path) -> None:
    url = system.server.url
    seen: set[str] = set()
    with SyncClient(url) as client, httpx.Client(base_url=url, timeout=scaled(30)) as http:
        for status, token in all_states(client, http, tmp_path):
            seen.add(status)
            detail = http.get(f"/v1/admin/jobs/{token}").json()
            assert isinstance(detail["history"], list)
            assert {"error", "traceback", "cancel_asked", "worker", "letter", "parent"} <= set(detail)
            console.page.goto(f"{url}/console#/jobs/{token}")
            main = console.page.get_by_role("main")
            expect(main.get_by_role("region", name="What happened when")).to_be_visible()
            expect(main.locator(".view-head .chip")).to_contain_text(status)
            expect(main.get_by_role("region", name="Result")).to_be_visible()
            expect(console.page.locator(".toast")).to_have_count(0)
            facts = main.locator(".fact-name").all_text_contents()
            assert ("attempt" in facts) == (detail["attempt"] > 0)  # one that waits may have used none
            assert ("due" in facts) == (detail.get("due") is not None and status != "waiting")
        assert seen == set(State)
        for name in CONSOLE_PAGES:
            console.page.goto(f"{url}/console#/{name}")
            expect(console.page.get_by_role("heading", level=1)).to_be_visible()
        http.post("/v1/admin/queues/default/resume")


ANSWERS: dict[str, Any] = {
    "overview": OverviewBody,
    "series": admin_messages.Series,
    "objectives": admin_messages.ObjectiveList,
    "jobs": admin_messages.JobPage,
    "dead": admin_messages.LetterPage,
    "connections": admin_messages.ConnectionList,
    "audit": admin_messages.AuditPage,
    "webhooks": DeliveryPage,
    "webhooks/places": PlaceList,
    "sagas": SagaList,
    "kinds/changes": KindChangeList,
    "groups": group_messages.GroupList,
    "groups/dead": group_messages.GroupLetters,
}


@pytest.mark.parametrize("full", [False, True], ids=["least", "most"])
def test_answers_with_the_least_and_the_most_are_shown(console: Shown, system: System, full: bool) -> None:
    status = ""

    def give(route: Route) -> None:
        path = route.request.url.partition("/v1/admin/")[2].partition("?")[0]
        if path.startswith("jobs/"):
            body = answer(admin_messages.JobDetail, full=full, status=status)
        else:
            more: dict[str, Any] = {"next": None} if path == "webhooks" else {}
            more |= {"cursor": None} if path in ("jobs", "dead", "audit") else {}
            body = answer(ANSWERS[path], full=full, **more)
        route.fulfill(body=body, content_type="application/json")

    page = console.page
    page.route("**/v1/admin/**", give)
    # The overview comes by the socket too: without one it is asked for.
    page.route_web_socket("**/v1/socket", lambda socket: socket.close())
    for path in ("events", "jobs"):  # nor do the ways besides lead to the server, which knows none of these jobs
        page.route(f"**/v1/{path}**", lambda route: route.abort())
        page.route(f"**/v1/{path}/**", lambda route: route.abort())
    for name in CONSOLE_PAGES:
        page.goto(f"{system.server.url}/console#/{name}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    for status in State:
        page.goto(f"{system.server.url}/console#/jobs/default.{status}")
        main = page.get_by_role("main")
        expect(main.get_by_role("region", name="What happened when")).to_be_visible()
        expect(main.locator(".view-head .chip")).to_contain_text(status)
    # What the browser itself logs of the refused connections is not the pages'.
    console.errors[:] = [error for error in console.errors if "ERR_" not in error and "WebSocket" not in error]
