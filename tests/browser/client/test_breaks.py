"""What a visitor's page lives through without a reload: it shows each job's end all the same."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.system import System, running_system
from support.web.wall import Wall, standing

SOCKET, STREAM = "/v1/socket", "/v1/events"


@pytest.fixture
def wall(system: System) -> Iterator[Wall]:
    with standing(system.server.port) as wall:
        yield wall


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page in which no script fails."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The file whose appearance ends the job."""
    return tmp_path / "go"


def open_and_submit(page: Page, url: str, go: Path) -> None:
    """Open the page, and start a job that waits for the file; return when it runs."""
    page.goto(url)
    form = page.get_by_role("form", name="Other work")
    form.get_by_label("Kind", exact=True).select_option("wait_for_file")
    form.get_by_role("button", name="Write it as JSON").click()
    form.get_by_label("Input (JSON)").fill(f'{{"path": "{go}"}}')
    form.get_by_role("button", name="Submit").click()
    expect(job(page)).to_have_attribute("data-state", "running")
    page.evaluate("window.loadedOnce = true")


def job(page: Page) -> Locator:
    return page.locator('li.job[data-kind="wait_for_file"]').first


def expect_end(page: Page) -> None:
    """Wait for the job's end, on the page that was loaded once."""
    expect(job(page)).to_have_attribute("data-state", "succeeded")
    assert page.evaluate("window.loadedOnce") is True


def expect_connected(page: Page, how: str) -> None:
    expect(page.locator('.connection[data-state="open"]')).to_have_text(how)


def test_by_socket_nothing_is_said_of_the_way(page: Page, wall: Wall, go: Path) -> None:
    open_and_submit(page, wall.url, go)
    expect_connected(page, "Connected")
    go.touch()
    expect_end(page)


def test_sockets_refused_it_works_by_event_stream(page: Page, wall: Wall, go: Path) -> None:
    wall.refused = {SOCKET}
    open_and_submit(page, wall.url, go)
    expect_connected(page, "Connected by event stream")
    go.touch()
    expect_end(page)


def test_sockets_and_streams_refused_it_works_by_polling(page: Page, wall: Wall, go: Path) -> None:
    wall.refused = {SOCKET, STREAM}
    open_and_submit(page, wall.url, go)
    expect_connected(page, "Connected by polling")
    go.touch()
    expect_end(page)


def test_streams_kept_by_a_proxy_it_works_by_polling(page: Page, wall: Wall, go: Path) -> None:
    wall.refused = {SOCKET}
    wall.kept = {STREAM}
    open_and_submit(page, wall.url, go)
    expect_connected(page, "Connected by polling")
    go.touch()
    expect_end(page)


def test_a_wall_that_rises_under_a_running_job_is_got_around_and_left_when_it_falls(
    page: Page, context: BrowserContext, wall: Wall, go: Path
) -> None:
    open_and_submit(page, wall.url, go)
    expect_connected(page, "Connected")
    wall.refused = {SOCKET}
    wall.cut()
    expect_connected(page, "Connected by event stream")
    wall.refused = set()
    page.evaluate("dispatchEvent(new Event('online'))")  # rather than wait a minute for the next try
    expect_connected(page, "Connected")
    go.touch()
    expect_end(page)


@pytest.mark.parametrize("refused", [set(), {SOCKET}, {SOCKET, STREAM}], ids=["socket", "stream", "polls"])
def test_offline_in_the_middle_of_a_job(
    page: Page, context: BrowserContext, wall: Wall, go: Path, refused: set[str]
) -> None:
    wall.refused = refused
    open_and_submit(page, wall.url, go)
    page.locator('.connection[data-state="open"]').wait_for()
    context.set_offline(True)
    wall.cut()
    expect(page.locator(".connection")).not_to_have_attribute("data-state", "open")
    go.touch()
    context.set_offline(False)
    expect_end(page)


def test_work_submitted_while_offline_is_done_once_online(
    page: Page, context: BrowserContext, wall: Wall, go: Path
) -> None:
    go.touch()
    page.goto(wall.url)
    form = page.get_by_role("form", name="Other work")
    form.get_by_label("Kind", exact=True).select_option("wait_for_file")
    form.get_by_role("button", name="Write it as JSON").click()
    form.get_by_label("Input (JSON)").fill(f'{{"path": "{go}"}}')
    context.set_offline(True)
    wall.cut()
    expect(page.locator(".connection")).not_to_have_attribute("data-state", "open")
    page.evaluate("window.loadedOnce = true")
    form.get_by_role("button", name="Submit").click()
    expect(job(page)).to_be_visible()
    expect(job(page)).not_to_have_attribute("data-state", "succeeded")
    context.set_offline(False)
    expect_end(page)


@pytest.mark.parametrize("refused", [set(), {SOCKET}, {SOCKET, STREAM}], ids=["socket", "stream", "polls"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["restarted", "replaced"])
def test_another_server_takes_over(page: Page, go: Path, how: signal.Signals, refused: set[str]) -> None:
    """A restart drains; a server that was killed is replaced by another, behind the same address."""
    with running_system(servers=2, TIDINGS_PAGE="demo") as system, standing(system.server.port) as wall:
        wall.refused = refused
        open_and_submit(page, wall.url, go)
        wall.target = system.servers[1].port
        system.server.signal(how)
        system.server.wait()
        go.touch()
        expect_end(page)


@pytest.mark.parametrize("refused", [set(), {SOCKET}, {SOCKET, STREAM}], ids=["socket", "stream", "polls"])
def test_a_tab_put_to_sleep_and_woken(
    page: Page, context: BrowserContext, wall: Wall, go: Path, refused: set[str], system: System
) -> None:
    wall.refused = refused
    open_and_submit(page, wall.url, go)
    token = job(page).get_attribute("data-token")
    devtools = context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    go.touch()
    wall.cut()  # no connection lives through a night
    status, record = system.server.get(f"/v1/jobs/{token}")
    while record["status"] != "succeeded":
        status, record = system.server.get(f"/v1/jobs/{token}")
        assert status == 200
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    expect_end(page)
