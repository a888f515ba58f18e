"""What the console knows of jobs that ended, and what one may do to a queue."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings import ProblemError, SubmitOptions, SyncClient

HOSTILE = "<b>order</b>-7"


system = system_fixture()


@pytest.fixture
def client(system: System) -> Iterator[SyncClient]:
    with SyncClient(system.server.url) as client:
        yield client


@pytest.fixture
def console(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/console")
    page.locator('.connection[data-state="open"]').wait_for()
    yield page
    assert errors == []


def region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def test_a_paused_queue_keeps_what_comes_until_it_is_resumed(console: Page, client: SyncClient) -> None:
    row = region(console, "Queues and their tiers").get_by_role("row").filter(has_text="default")
    row.get_by_role("button", name="Pause default").click()
    console.get_by_role("alertdialog").get_by_role("button", name="Pause").click()
    expect(row.locator(".chip")).to_have_text("paused")
    token = client.submit("echo", text="late").token
    expect(row.get_by_role("cell").nth(2)).to_have_text("1")
    row.get_by_role("button", name="Resume default").click()
    assert client.watch(token).result(timeout=scaled(30)) == "late"
    expect(row.locator(".chip")).to_have_text("served")
    console.goto("/console#/audit")
    lines = console.get_by_role("table", name="What operators did").get_by_role("row")
    expect(lines.nth(1)).to_contain_text("resume")
    expect(lines.nth(2)).to_contain_text("pause")
    expect(lines.nth(2)).to_contain_text("done")


def test_jobs_are_found_by_what_one_knows_of_them(console: Page, client: SyncClient, tmp_path: Path) -> None:
    done = client.submit("echo", text="hi", options=SubmitOptions(correlation_id=HOSTILE))
    done.result(timeout=scaled(20))
    running = client.submit("wait_for_file", path=str(tmp_path / "go")).token
    failed = client.submit("raises")
    with pytest.raises(ProblemError):
        failed.result(timeout=scaled(20))
    console.goto("/console#/jobs")
    table = console.get_by_role("table", name="Jobs", exact=True)
    for token, state in ((done.token, "succeeded"), (running, "running"), (failed.token, "failed")):
        expect(table.get_by_role("row").filter(has_text=token)).to_contain_text(state)
    bar = table.get_by_role("row").filter(has_text=running).locator(".live-bar")
    expect(bar).to_have_css("transform", "matrix(0.5, 0, 0, 1, 0, 0)")  # its progress: a half
    search = console.get_by_label("Find")
    for text, token in ((HOSTILE, done.token), (running, running), (failed.token, failed.token)):
        search.fill(text)
        search.press("Enter")
        expect(table.get_by_role("row")).to_have_count(2)
        expect(table.get_by_role("row").nth(1)).to_contain_text(token)
    search.fill("")
    console.get_by_label("State").select_option("running")
    expect(console).to_have_url(re.compile(r"#/jobs\?state=running$"))
    expect(table.get_by_role("link")).to_have_text([running])
    console.get_by_label("State").select_option("succeeded")
    console.get_by_label("Kind").select_option("echo")
    expect(table.get_by_role("row").filter(has_text=HOSTILE)).to_have_count(1)
    expect(table.get_by_role("row").filter(has_text=running)).to_have_count(0)
    (tmp_path / "go").touch()
    assert client.watch(running).result(timeout=scaled(20)) == "found"


def test_what_ended_is_drawn_and_told(console: Page, client: SyncClient) -> None:
    for _ in range(20):
        client.submit("echo", text="hi").result(timeout=scaled(20))
    expect(console.get_by_role("img", name=re.compile(r"Latency over time\. p50: now \d.*at most \d"))).to_be_visible()
    expect(console.get_by_role("img", name=re.compile(r"Time from submit to end: \d+ jobs; most took"))).to_be_visible()
    console.get_by_text("As a table").click()
    expect(region(console, "Latency over time, table").get_by_role("row").nth(1)).to_contain_text(
        re.compile(r"\d ms|\d s")
    )
    milestones = console.get_by_role("table", name="Latency of each kind in the last minute")
    expect(milestones.get_by_role("row").filter(has_text="echo")).to_contain_text(
        re.compile(r"(\d ms|\d s).*(\d ms|\d s)")
    )


def test_an_objective_is_set_measured_and_removed(console: Page, client: SyncClient) -> None:
    client.submit("steps").result(timeout=scaled(20))
    form = console.get_by_role("form", name="Set an objective")
    form.get_by_label("Kind").select_option("steps")
    form.get_by_label("Should succeed, percent").fill("99.9")
    form.get_by_label("99 of 100 within, seconds").fill("5")
    form.get_by_role("button", name="Set").click()
    row = region(console, "Objectives and how they are kept").get_by_role("row").filter(has_text="steps")
    expect(row).to_contain_text("99.90 %")
    expect(row).to_contain_text("5.00 s")
    expect(row.locator(".budget")).to_contain_text("100 %")
    console.reload()  # it is kept
    row.get_by_role("button", name="Remove the objective of steps").click()
    expect(row).to_have_count(0)
