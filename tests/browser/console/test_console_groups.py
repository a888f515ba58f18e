"""Groups of consumers in the console: where they stand, and what operators do to one of them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from browser.context import new_context
from groups.fleet import KINDS, Fleet
from support.system import System, running_system
from support.timeouts import scaled
from tidings import SyncClient


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS)
        system.add_server()
        fleet = Fleet(system, tmp_path_factory.mktemp("groups") / "notes")
        fleet.ready(fleet.start())
        yield fleet


@pytest.fixture(scope="module")
def system(fleet: Fleet) -> System:
    return fleet.system


@pytest.fixture
def console(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/console#/groups")
    page.locator('.connection[data-state="open"]').wait_for()
    yield page
    assert errors == []


def end(system: System, text: str = "") -> str:
    with SyncClient(system.server.url) as client:
        handle = client.submit("order.placed", text=text)
        handle.result(timeout=scaled(30))
        return handle.token


def row_of(page: Page, group: str) -> Locator:
    rows = page.get_by_role("region", name="Groups of consumers", exact=True).get_by_role("row")
    return rows.filter(has=page.get_by_role("rowheader", name=re.compile(group))).filter(has_text="default")


def cell(row: Locator, number: int) -> Locator:
    return row.locator("td, th").nth(number)


BEHIND, HANDLED, DEAD = 2, 5, 7


def act(page: Page, group: str, name: str, answer: str | None = None) -> None:
    row_of(page, group).get_by_role("button", name=f"{name}: {group} in default").click()
    if answer is not None:
        page.get_by_role("alertdialog").get_by_role("button", name=answer, exact=True).click()


def test_a_group_is_paused_falls_behind_skips_and_replays(fleet: Fleet, system: System, console: Page) -> None:
    first = end(system)
    expect(cell(row_of(console, "billing"), BEHIND)).to_have_text("0")
    act(console, "billing", "Pause", "Pause")
    expect(row_of(console, "billing").locator(".chip")).to_have_text("paused")
    second = end(system)
    expect(cell(row_of(console, "billing"), BEHIND)).to_have_text("1")
    expect(cell(row_of(console, "search"), BEHIND)).to_have_text("0")
    act(console, "billing", "Skip", "Cancel")
    act(console, "billing", "Skip", "Skip")
    expect(cell(row_of(console, "billing"), BEHIND)).to_have_text("0")
    act(console, "billing", "Resume")
    expect(row_of(console, "billing").locator(".chip")).to_be_hidden()
    third = end(system)
    expect(cell(row_of(console, "billing"), HANDLED)).to_have_text("2")
    billed = [note["token"] for note in fleet.noted(handler="billed")]
    assert billed == [first, third], second
    console.locator('select[name="back"]').select_option("all that the store has")
    act(console, "billing", "Replay", "Replay")
    expect(cell(row_of(console, "billing"), HANDLED)).to_have_text("5")
    assert {note["token"] for note in fleet.noted(handler="billed")} == {first, second, third}
    assert len(fleet.noted(handler="index")) == 3, "the other group stays where it is"
    console.goto("/console#/audit")
    lines = console.get_by_role("table", name="What operators did").get_by_role("row")
    expect(lines.filter(has_text="move_group")).to_have_count(2)
    expect(lines.filter(has_text="pause_group")).to_have_count(1)
    expect(lines.filter(has_text="resume_group")).to_have_count(1)


def test_events_that_a_group_could_not_handle_are_shown_and_given_again(
    fleet: Fleet, system: System, console: Page
) -> None:
    token = end(system, "reject:")
    link = cell(row_of(console, "billing"), DEAD).get_by_role("link")
    expect(link).to_have_text("1")
    link.click()
    letter = console.get_by_role("region", name="Events that the group could not handle").get_by_role("row").nth(1)
    expect(letter).to_contain_text("this is no order")
    letter.get_by_role("button", name=f"Try again: {token}").click()
    expect(console.locator(".toast-text", has_text="billing gets it again.")).to_be_visible()
    expect(link).to_have_text("1")  # it is rejected again
    assert len(fleet.noted(handler="bill", token=token)) >= 1


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark")], ids=["desk", "phone", "dark"]
)
def test_the_page_fits_every_screen(browser: Browser, system: System, width: int, scheme: str) -> None:
    context = new_context(
        browser, base_url=system.server.url, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    try:
        page = context.new_page()
        for place in ("groups", "webhooks"):
            page.goto(f"/console#/{place}")
            page.locator('.connection[data-state="open"]').wait_for()
            if place == "groups":
                expect(row_of(page, "billing")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    finally:
        context.close()
