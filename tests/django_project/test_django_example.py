"""The project of `examples/django`, in a real browser: two users, and all that may go wrong."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser.context import new_context
from support.system import System, running_system
from support.timeouts import scaled
from support.waiting import until
from support.web.chromium import PATIENCE_MS, running_browser
from support.web.site import SiteProcess
from tidings.process.port import free_port
from tidings_server.auth.api_key import new_key, setting_line

EXAMPLE = Path(__file__).parents[2] / "examples" / "django"
ALICE, BOB = ("alice", "wonderland"), ("bob", "builder")
KEY = new_key()


class Sales:
    """The project, its store, its server of jobs and its worker."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system = system
        self.database = folder / "sales.sqlite"
        port, jobs_port = free_port(), free_port()
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "website.settings",
            "PYTHONPATH": str(EXAMPLE),
            "SALES_DB": str(self.database),
            "SALES_PAUSE_S": "0.2",
            "TIDINGS_CREDENTIAL": KEY,
            "TIDINGS_URL": f"http://127.0.0.1:{jobs_port}",
        }
        manage = [sys.executable, str(EXAMPLE / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(manage, check=True, env={**os.environ, **self.environment}, timeout=scaled(60))
        self._server = {
            "TIDINGS_AUTH": "api_key",
            "TIDINGS_API_KEYS": setting_line("site", KEY, ("submit", "watch")),
            "TIDINGS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
            "TIDINGS_PORT": str(jobs_port),
        }
        self.work()
        system.add_server(KEY, **self._server)
        self.site = SiteProcess(EXAMPLE, "django", "runserver", "--noreload", "PORT", port=port, **self.environment)
        self.site.wait_until_ready("/login/")

    def work(self) -> None:
        """Start a worker."""
        lease = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "1"}
        self.system.add_worker("tidings.django.tasks", **lease, **self.environment)

    def replace_server(self) -> None:
        """Have another server of jobs serve, at the same address."""
        self.system.servers.pop().close()
        self.system.add_server(KEY, **self._server)

    def end_sessions(self) -> None:
        """Have all sessions end now."""
        with sqlite3.connect(self.database, timeout=scaled(10)) as db:
            db.execute("DELETE FROM django_session")
        db.close()


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sales]:
    with running_system(servers=0, workers=0) as system:
        sales = Sales(system, tmp_path_factory.mktemp("sales"))
        try:
            yield sales
        finally:
            sales.site.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=scaled(PATIENCE_MS))
    with running_browser() as browser:
        yield browser


@contextmanager
def visitor(browser: Browser, sales: Sales, user: tuple[str, str]) -> Iterator[Page]:
    """Log a user in; an error that the page does not catch fails the test."""
    context = new_context(browser, base_url=sales.site.url)
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/")
        log_in(page, user)
        yield page
        assert errors == []
    finally:
        context.close()


def log_in(page: Page, user: tuple[str, str]) -> None:
    page.get_by_label("Username").fill(user[0])
    page.get_by_label("Password").fill(user[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user")).to_have_text(user[0])


ASK = """async ([path, body]) => {
    const headers = { "x-csrftoken": document.body.dataset.csrf };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    const json = answer.headers.get("content-type").includes("json");
    return [answer.status, json ? await answer.json() : null];
}"""

WATCH = """async (token) => {
    const { Tidings } = await import("tidings");
    const job = new Tidings(document.body.dataset.tidings).watch(token, { grant: "tdg_forged" });
    return await job.result.catch((error) => error.code);
}"""


def test_two_users_see_their_own_reports_come_and_no_other_s(browser: Browser, sales: Sales) -> None:
    with visitor(browser, sales, ALICE) as alice, visitor(browser, sales, BOB) as bob:
        for page, sold in ((alice, "780"), (bob, "1560")):
            page.get_by_role("button", name="Make a report").click()
            row = page.locator("#list li").first
            expect(row.locator("progress")).to_have_js_property("value", 1)
            expect(row.locator("span")).to_have_text(f"sold {sold}, most in December")
            page.reload()
            expect(page.locator("#list li span").first).to_have_text(f"sold {sold}, most in December")
        number = int(alice.locator("#known li").first.get_attribute("data-id") or 0)
        status, given = alice.evaluate(ASK, [f"/reports/{number}/grant/", {}])
        assert status == 200
        assert bob.evaluate(ASK, [f"/reports/{number}/grant/", {}])[0] == 404
        assert bob.evaluate(WATCH, given["token"]) in ("grant_expired", "unauthenticated", "unknown_token")
        others = bob.evaluate(ASK, [f"/reports/{bob.locator('#known li').first.get_attribute('data-id')}/grant/", {}])
        bearer = {"authorization": f"Bearer {others[1]['grant']}"}
        url = f"{sales.system.server.url}/v1/jobs/{given['token']}"
        assert httpx.get(url, headers=bearer).status_code in (403, 404)  # a grant opens its own job alone


def test_the_script_of_the_guide_makes_a_report(browser: Browser, sales: Sales) -> None:
    guide = (EXAMPLE.parents[1] / "docs/how-to/django.md").read_text()
    (script,) = re.findall(r"```js\n(.*?)```", guide, re.DOTALL)
    for shown, here in {
        "/static/tidings.js": "tidings",
        "https://jobs.example.com": sales.environment["TIDINGS_URL"],
    }.items():
        script = script.replace(f'"{shown}"', f'"{here}"')
    with visitor(browser, sales, ALICE) as page:
        page.add_script_tag(content=f"{script}\nwindow.makeReport = makeReport;", type="module")
        page.wait_for_function("() => Boolean(window.makeReport)")
        assert page.evaluate("makeReport(2025)") == {"cents": 78000, "best_month": "December"}


def test_a_report_comes_though_its_worker_is_killed_and_the_server_replaced(browser: Browser, sales: Sales) -> None:
    with visitor(browser, sales, ALICE) as page:
        page.get_by_role("button", name="Make a report").click()
        row = page.locator("#list li").first
        expect(row.locator("span")).to_have_text("February")
        worker = sales.system.workers[-1]
        worker.signal(signal.SIGKILL)
        worker.wait()
        sales.replace_server()
        sales.work()
        expect(row.locator("span")).to_have_text("sold 780, most in December")


def test_what_is_wrong_is_said_where_the_user_sees_it(browser: Browser, sales: Sales) -> None:
    with visitor(browser, sales, BOB) as page:
        page.get_by_label("Year").fill("1")
        page.get_by_role("button", name="Make a report").click()
        expect(page.locator("#list li span").first).to_contain_text("not of 1")
        assert page.evaluate(ASK, ["/reports/", {"year": "x"}]) == [400, {"detail": "year must be a whole number"}]
        without = "fetch('/reports/', { method: 'POST', body: '{\"year\": 2025}' }).then((answer) => answer.status)"
        assert page.evaluate(without) == 403  # no CSRF token
        sales.end_sessions()
        page.get_by_role("button", name="Make a report").click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_while_the_server_is_away_the_page_says_so(browser: Browser, sales: Sales) -> None:
    with visitor(browser, sales, ALICE) as page:
        before = page.locator("#known li").count()
        sales.system.servers.pop().close()
        status, problem = page.evaluate(ASK, ["/reports/", {"year": 2025}])
        assert (status, problem["code"]) == (503, "store_unavailable")
        sales.system.add_server(KEY, **sales._server)
        page.reload()
        expect(page.locator("#known li")).to_have_count(before + 1)  # what was committed stays


def test_one_command_runs_all_of_it(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "TIDINGS_DIR": str(tmp_path / "store"), "SALES_DB": str(tmp_path / "db")}
    command = [sys.executable, str(EXAMPLE / "run.py"), str(port)]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=scaled(20)) as client,
    ):
        try:
            until(lambda: _logged_in(client) and _ask(client, "/reports/", year=2025) == 202, seconds=60, process=run)
        finally:
            run.send_signal(signal.SIGINT)
            run.wait(scaled(30))


def _logged_in(client: httpx.Client) -> bool:
    """Log in, once the site is there."""
    try:
        client.get("/login/")
        return "sessionid" in client.cookies or _ask(client, "/login/", username="alice", password="wonderland") == 302
    except httpx.TransportError:
        return False


def _ask(client: httpx.Client, path: str, **said: object) -> int:
    """Send a form, or to other pages than the login JSON; return the status."""
    headers = {"x-csrftoken": client.cookies.get("csrftoken") or ""}
    if path == "/login/":
        return client.post(path, data=said, headers=headers).status_code
    return client.post(path, json=said, headers=headers).status_code
