"""The FastAPI application of `examples/fastapi`, in a real browser: two users, and all that may go wrong."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from frameworks.conftest import visitor
from support.system import System, running_system
from support.timeouts import scaled
from support.waiting import until
from support.web.site import SiteProcess
from tidings.process.port import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi"
SERVE = ("uvicorn", "app:app", "--port", "PORT", "--ws", "websockets-sansio")
ALICE, BOB = ("alice", "wonderland"), ("bob", "builder")


class Reports:
    """The application, its store and its worker."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system = system
        self.database = folder / "reports.sqlite"
        self._environment = {"REPORTS_DB": str(self.database), "REPORTS_PAUSE_S": "0.2"}
        self.site = self._serve(0)
        self.work()

    def _serve(self, port: int) -> SiteProcess:
        store = {"TIDINGS_STORE_URL": self.system.store.url}
        site = SiteProcess(EXAMPLE, *SERVE, port=port, **store, **self._environment)
        site.wait_until_ready()
        return site

    def replace(self) -> None:
        """Have another process serve, at the same address."""
        self.site.process.kill()
        self.site.close()
        self.site = self._serve(self.site.port)

    def work(self) -> None:
        """Start a worker, and return when the server knows its kind."""
        lease = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "1"}
        self.system.add_worker("reports", PYTHONPATH=str(EXAMPLE), **lease, **self._environment)
        with httpx.Client(base_url=self.site.url) as client:
            client.post("/login", json={"user": "bob", "password": "builder"})
            until(lambda: "sales_report" in client.get("/tidings/v1/kinds").text)

    def end_sessions(self) -> None:
        """Let every session be over."""
        with sqlite3.connect(self.database) as db:
            db.execute("UPDATE session SET expires_at = 0")
        db.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    with running_system(servers=0, workers=0) as system:
        reports = Reports(system, tmp_path_factory.mktemp("reports"))
        yield reports
        reports.site.close()


def log_in(page: Page, user: tuple[str, str]) -> None:
    page.get_by_label("Name").fill(user[0])
    page.get_by_label("Password").fill(user[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user")).to_have_text(user[0])


def test_two_users_see_their_own_reports_alone(browser: Browser, reports: Reports) -> None:
    with visitor(browser, reports.site.url) as alice, visitor(browser, reports.site.url) as bob:
        log_in(alice, ALICE)
        log_in(bob, BOB)
        with alice.expect_response("**/reports") as answer:
            alice.get_by_role("button", name="Make a report").click()
        accepted = answer.value.json()
        row = alice.locator("#list li").first
        expect(row.locator("output")).to_have_text("running")
        expect(row.locator("span")).to_have_text("January")
        expect(row.locator("span")).to_have_text("alice sold 780, most in December")
        alice.reload()
        expect(row.locator("span")).to_have_text("alice sold 780, most in December")
        bob.reload()
        expect(bob.locator("#user")).to_have_text("bob")
        expect(bob.locator("#list li")).to_have_count(0)
        token = accepted["token"]
        asked = """async ([method, path]) => {
            const headers = { "content-type": "application/json" };
            const answer = await fetch(path, { method, headers });
            return [answer.status, (await answer.json()).code];
        }"""
        assert bob.evaluate(asked, ["GET", f"/tidings/v1/jobs/{token}"]) == [404, "unknown_token"]
        assert bob.evaluate(asked, ["DELETE", f"/tidings/v1/jobs/{token}"]) == [404, "unknown_token"]
        assert bob.evaluate(asked, ["POST", f"/reports/{token}/grant"]) == [404, "unknown_token"]
        assert bob.evaluate("fetch('/reports').then((answer) => answer.json())") == []
        watched = """async (token) => {
            const { Tidings } = await import("/tidings/static/tidings.js");
            return await new Tidings().watch(token).result.catch((error) => error.code);
        }"""
        assert bob.evaluate(watched, token) == "unknown_token"


def test_a_report_comes_though_its_worker_is_killed_and_the_server_replaced(browser: Browser, reports: Reports) -> None:
    with visitor(browser, reports.site.url) as page:
        log_in(page, ALICE)
        page.get_by_role("button", name="Make a report").click()
        row = page.locator("#list li").first
        expect(row.locator("span")).to_have_text("February")
        worker = reports.system.workers[-1]
        worker.signal(signal.SIGKILL)
        worker.wait()
        reports.replace()
        reports.work()
        expect(row.locator("span")).to_have_text("alice sold 780, most in December")


def test_a_user_whose_session_is_over_sees_the_login(browser: Browser, reports: Reports) -> None:
    with visitor(browser, reports.site.url) as page:
        log_in(page, BOB)
        page.get_by_role("button", name="Make a report").click()
        expect(page.locator("#list li").first.locator("output")).to_have_text("running")
        reports.end_sessions()
        page.get_by_role("button", name="Make a report").click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.locator("#notice")).to_have_text("log in first")
        log_in(page, BOB)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_refusal_reaches_the_form(browser: Browser, reports: Reports) -> None:
    with visitor(browser, reports.site.url) as page:
        page.get_by_label("Name").fill("alice")
        page.get_by_label("Password").fill("builder")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#notice")).to_have_text("there is no such user, or the password is another")
        log_in(page, ALICE)
        page.get_by_label("Year").fill("1")
        page.get_by_role("button", name="Make a report").click()
        expect(page.locator("#notice")).to_contain_text("2000")


def test_a_form_of_another_site_submits_nothing(reports: Reports) -> None:
    """What a form can send without asking is no JSON to FastAPI; and the cookie is SameSite=Lax."""
    with httpx.Client(base_url=reports.site.url) as client:
        answer = client.post("/login", json={"user": "alice", "password": "wonderland"})
        assert "samesite=lax" in answer.headers["set-cookie"].lower()
        assert "httponly" in answer.headers["set-cookie"].lower()
        for content_type in ("text/plain", "application/x-www-form-urlencoded"):
            refused = client.post("/reports", content='{"year": 2025}', headers={"content-type": content_type})
            assert refused.status_code == 422


def test_one_command_runs_all_of_it(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "TIDINGS_DIR": str(tmp_path / "store"), "REPORTS_DB": str(tmp_path / "db")}
    environment["TIDINGS_STORE_URL"] = f"embedded:{tmp_path / 'store'}"
    command = [sys.executable, str(EXAMPLE / "run.py"), str(port)]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=scaled(20)) as client,
    ):
        try:
            until(lambda: _made(client), seconds=60, process=run)
        finally:
            run.send_signal(signal.SIGINT)
            run.wait(scaled(30))


def _made(client: httpx.Client) -> bool:
    try:
        client.post("/login", json={"user": "alice", "password": "wonderland"})
        return client.post("/reports", json={"year": 2025}).status_code == 202
    except httpx.TransportError:
        return False
