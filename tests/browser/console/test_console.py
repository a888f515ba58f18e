"""What an operator does in the console: look at every page, replay, pause, hold a breaker; by mouse and by keyboard."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.system import JOBS, System, system_fixture
from support.timeouts import scaled
from support.web.wall import standing
from tidings import SubmitOptions, SyncClient

NONE = "\N{EN DASH}"
HOSTILE = "<img src=x onerror=window.intruded=1>"
PAGES = [
    "Overview",
    "Workers",
    "Jobs",
    "Dead letters",
    "Sagas",
    "Breakers",
    "Webhooks",
    "Groups",
    "Connections",
    "Audit",
]


system = system_fixture(str(JOBS), str(JOBS.with_name("handlers") / "breaker_kinds.py"))


@pytest.fixture
def console(context: BrowserContext, system: System) -> Iterator[Page]:
    """The console, connected; an error in it fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/console")
    page.locator('.connection[data-state="open"]').wait_for()
    yield page
    assert errors == []


@pytest.fixture
def client(system: System) -> Iterator[SyncClient]:
    with SyncClient(system.server.url) as client:
        yield client


def go(page: Page, name: str) -> None:
    """Open a page by the navigation, and wait for its heading."""
    page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{name}")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def dead_letter(client: SyncClient, path: Path) -> str:
    """Return the token of a job that has died, and succeeds once there is a file at the path."""
    handle = client.submit("mended", path=str(path))
    with pytest.raises(Exception, match="attempt"):
        handle.result(timeout=scaled(20))
    return handle.token


def tell(page: Page) -> Locator:
    """Return what was told in passing, last."""
    return page.locator(".toast").last


def test_every_page_can_be_walked_while_jobs_run_and_fail(console: Page, client: SyncClient, tmp_path: Path) -> None:
    client.submit("raises", secret=HOSTILE)
    running = client.submit("wait_for_file", path=str(tmp_path / "go"))
    for name in PAGES:
        go(console, name)
        expect(console.locator('nav [aria-current="page"]')).to_contain_text(name)
        expect(console).to_have_title(f"{name} · Tidings")
    go(console, "Workers")
    expect(console.get_by_role("list", name="Workers").get_by_role("listitem")).not_to_have_count(0)
    (tmp_path / "go").touch()
    assert running.result(timeout=scaled(20)) == "found"


def test_the_overview_counts_what_happens(console: Page, client: SyncClient, tmp_path: Path) -> None:
    handle = client.submit("wait_for_file", path=str(tmp_path / "go"))
    row = console.get_by_role("region", name="Queues and their tiers").get_by_role("row").filter(has_text="standard")
    running = row.get_by_role("cell").nth(8)
    expect(running).not_to_have_text("0")
    (tmp_path / "go").touch()
    handle.result(timeout=scaled(20))
    expect(running).to_have_text("0")


def test_a_dead_letter_is_replayed_and_succeeds(console: Page, client: SyncClient, tmp_path: Path) -> None:
    path = tmp_path / "mended"
    token = dead_letter(client, path)
    go(console, "Dead letters")
    console.get_by_role("search").get_by_label("Kind").select_option("mended")
    console.get_by_label(f"Choose {token}").check()
    console.get_by_role("button", name="Replay 1 chosen…").click()
    expect(console.get_by_role("alertdialog")).to_contain_text("Replay 1 letter?")
    console.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(console.get_by_label(f"Choose {token}")).to_be_checked()  # nothing was done
    path.touch()
    console.get_by_role("button", name="Replay 1 chosen…").click()
    console.get_by_role("alertdialog").get_by_role("button", name="Replay").click()
    expect(tell(console)).to_contain_text("Replayed 1.")
    expect(console.get_by_role("link", name=token)).to_have_count(0)
    assert client.watch(token).result(timeout=scaled(20)) == "mended"


def test_a_letter_is_dropped_only_when_one_says_so(console: Page, client: SyncClient, tmp_path: Path) -> None:
    token = dead_letter(client, tmp_path / "never")
    go(console, "Dead letters")
    console.get_by_label(f"Choose {token}").check()
    console.get_by_role("button", name="Drop 1 chosen…").click()
    expect(console.get_by_role("alertdialog").get_by_role("button", name="Cancel")).to_be_focused()
    console.keyboard.press("Enter")  # destroys nothing
    expect(console.get_by_role("alertdialog")).to_be_hidden()
    expect(console.get_by_label(f"Choose {token}")).to_be_checked()
    console.get_by_role("button", name="Drop 1 chosen…").click()
    console.get_by_role("button", name="Drop for good").click()
    expect(tell(console)).to_contain_text("Dropped 1.")
    expect(console.get_by_role("link", name=token)).to_have_count(0)


def test_a_breaker_is_held_open_and_let_go(console: Page, client: SyncClient) -> None:
    client.submit("pay", url="http://127.0.0.1:9/")  # one is shown once it has been used
    go(console, "Breakers")
    row = console.get_by_role("region", name="Circuit breakers").get_by_role("row").filter(has_text="payments")
    expect(row).to_contain_text("by its calls")
    expect(row.get_by_role("button")).to_have_text(["Hold open", "Hold closed"])  # there is nothing to release
    row.get_by_role("button", name="Hold open: payments").click()
    console.get_by_role("alertdialog").get_by_role("button", name="Hold open").click()
    expect(row.locator(".chip")).to_have_text("open")
    expect(row).to_contain_text("by an operator")
    expect(row.get_by_role("button")).to_have_text(["Hold closed", "Release"])
    row.get_by_role("button", name="Release: payments").click()
    expect(row.locator(".chip")).to_have_text("closed")
    expect(row).to_contain_text("by its calls")


def test_one_job_shows_when_what_happened_and_why_it_failed(console: Page, client: SyncClient, tmp_path: Path) -> None:
    token = dead_letter(client, tmp_path / "never")
    go(console, "Dead letters")
    console.get_by_role("link", name=token).click()
    expect(console.get_by_role("heading", level=1)).to_have_text("mended")
    expect(console).to_have_title(f"mended {token.partition('.')[2][:6]} · Tidings")
    main = console.get_by_role("main")
    expect(main.get_by_role("rowheader", name="running")).to_be_visible()
    expect(main.get_by_role("region", name="Problem")).to_contain_text("the disk is full")
    expect(main.get_by_role("region", name="Input")).to_contain_text(str(tmp_path / "never"))
    expect(main.get_by_role("region", name="Failed attempts")).to_contain_text("retrying")
    main.get_by_text("Traceback", exact=True).click()
    expect(main.locator("pre", has_text="Retry")).to_be_visible()


def test_a_failed_job_is_replayed_on_its_own_page(console: Page, client: SyncClient, tmp_path: Path) -> None:
    token = dead_letter(client, tmp_path / "mended")
    console.goto(f"/console#/jobs/{token}")
    state = console.locator(".view-head .chip")
    expect(state).to_have_text("failed")
    (tmp_path / "mended").touch()
    console.get_by_role("button", name="Replay…").click()
    console.get_by_role("alertdialog").get_by_role("button", name="Replay").click()
    expect(tell(console)).to_contain_text("It was replayed.")
    expect(state).to_have_text("succeeded")
    expect(console.get_by_role("button", name="Replay…")).to_be_hidden()


def test_a_job_that_never_ran_took_no_time(console: Page, client: SyncClient) -> None:
    later = client.submit("noop", options=SubmitOptions(delay=600, watch=False))
    console.goto(f"/console#/jobs?q={later.token}")
    row = console.locator(".rows-body .row").filter(has_text=later.token)
    expect(row.get_by_role("cell").nth(5)).to_have_text(NONE)
    later.cancel()
    expect(row.get_by_role("cell").nth(1)).to_have_text("cancelled")
    expect(row.get_by_role("cell").nth(5)).to_have_text(NONE)


def test_a_running_job_moves_and_is_cancelled(console: Page, client: SyncClient, tmp_path: Path) -> None:
    token = client.submit("wait_for_file", path=str(tmp_path / "never")).token
    console.goto(f"/console#/jobs/{token}")
    expect(console.get_by_role("progressbar", name="Progress")).to_have_attribute("aria-valuenow", "50")
    console.get_by_role("button", name="Cancel it…").click()
    console.get_by_role("button", name="Cancel the job").click()
    expect(console.locator(".view-head .chip")).to_have_text("cancelled")
    expect(console.get_by_role("button", name="Cancel it…")).to_be_hidden()


def test_markup_in_a_job_is_text(console: Page, client: SyncClient) -> None:
    token = client.submit("raises", secret=HOSTILE).token
    go(console, "Dead letters")
    expect(console.get_by_role("row").filter(has_text=token)).to_contain_text(HOSTILE)
    console.get_by_role("link", name=token).click()
    expect(console.get_by_role("main").get_by_role("region", name="Input")).to_contain_text(HOSTILE)
    for name in ("a", "code", "span"):  # a text that turns the direction of writing turns its own alone
        expect(console.locator(f"main {name}").first).to_have_css("unicode-bidi", "isolate")
    console.goto(f"/console#/jobs?q={HOSTILE}")
    expect(console.get_by_label("Find")).to_have_value(HOSTILE)
    console.goto(f"/console#/{HOSTILE}")
    expect(console.get_by_role("main")).to_contain_text("There is no page")
    assert console.evaluate("window.intruded") is None
    assert console.locator("main img").count() == 0


def test_it_is_led_by_keys(console: Page, client: SyncClient, tmp_path: Path) -> None:
    token = dead_letter(client, tmp_path / "never")
    for keys, name in (
        ("gw", "Workers"),
        ("gc", "Connections"),
        ("gb", "Breakers"),
        ("ga", "Audit"),
        ("gd", "Dead letters"),
    ):
        for key in keys:
            console.keyboard.press(key)
        expect(console.get_by_role("heading", level=1)).to_have_text(name)
    expect(console.get_by_role("link", name=token)).to_be_visible()
    console.keyboard.press("/")
    expect(console.get_by_role("search").get_by_label("Queue")).to_be_focused()
    console.get_by_role("heading", level=1).focus()
    for key in "gj":
        console.keyboard.press(key)
    expect(console.get_by_label("Find")).to_be_visible()  # a page that is still to come has nothing to focus
    console.keyboard.press("/")
    expect(console.get_by_label("Find")).to_be_focused()
    console.keyboard.type("gw?")  # typed, not obeyed
    expect(console.get_by_label("Find")).to_have_value("gw?")
    console.get_by_label("Find").fill("")
    console.get_by_role("heading", level=1).focus()
    for key in "gd":
        console.keyboard.press(key)
    expect(console.get_by_role("heading", level=1)).to_have_text("Dead letters")  # the page before lists the job too
    expect(console.get_by_role("link", name=token)).to_be_visible()
    console.keyboard.press("j")
    first = console.locator(".rows-body .row").first.get_by_role("link")
    expect(console.locator(".rows-body .row").first.locator(":focus")).to_have_count(1)
    console.keyboard.press("j")
    console.keyboard.press("k")
    expected = first.inner_text()
    first.focus()
    console.keyboard.press("Enter")
    expect(console.get_by_role("main")).to_contain_text(expected)
    console.keyboard.press("?")
    expect(console.get_by_role("dialog", name="Keys")).to_be_visible()
    console.keyboard.press("Escape")
    expect(console.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_colours_are_the_system_s_or_those_one_chose(console: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"

    def lightness() -> float:
        return float(str(console.evaluate(background)).removeprefix("oklch(").split()[0])

    console.emulate_media(color_scheme="dark")
    assert lightness() < 0.5
    console.emulate_media(color_scheme="light")
    assert lightness() > 0.5
    console.get_by_role("button", name="Colours: system").click()
    assert lightness() < 0.5
    console.reload()
    expect(console.get_by_role("button", name="Colours: dark")).to_be_visible()
    assert lightness() < 0.5


def test_where_no_socket_gets_through_it_asks_instead(context: BrowserContext, system: System) -> None:
    with standing(system.server.port) as wall:
        wall.refused = {"/v1/socket"}
        page = context.new_page()
        page.goto(f"{wall.url}/console")
        expect(page.locator('.connection[data-state="open"]')).to_contain_text("by event stream")
        seen = page.get_by_role("region", name="Queues and their tiers")
        expect(seen).to_contain_text("standard")
        with page.expect_response("**/v1/admin/overview"):
            pass  # and again


def test_a_page_that_is_not_seen_asks_for_nothing(console: Page) -> None:
    with console.expect_websocket() as opened:
        console.reload()
    asked: list[str] = []
    opened.value.on("framesent", lambda frame: asked.append(str(frame)))
    console.locator('.connection[data-state="open"]').wait_for()
    look = """hidden => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    console.evaluate(look, True)
    console.wait_for_function("() => true")
    console.evaluate(look, False)
    with opened.value.expect_event("framereceived", lambda frame: '"overview"' in str(frame)):
        pass
    kinds = [re.findall(r'"type":"(\w+)"', frame)[0] for frame in asked if "observe" in frame]
    assert kinds[-2:] == ["unobserve", "observe"]
