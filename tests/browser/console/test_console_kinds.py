"""Changes of kinds in the console: what has changed, whether it breaks anything, what to do."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from browser.context import new_context
from support.handlers.changed_kinds import change_kinds
from support.system import System, running_system
from tidings.store.redis.store_client import open_store


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(servers=1, workers=0) as system:
        yield system


@pytest.fixture
def console(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/console#/kinds")
    page.locator('.connection[data-state="open"]').wait_for()
    yield page
    assert errors == []


@pytest.fixture(scope="module")
def deployed(system: System) -> System:
    async def deploy() -> None:
        store = open_store(system.store.url)
        try:
            await change_kinds(store)
        finally:
            await store.aclose()

    with ThreadPoolExecutor(1) as thread:  # the browser has a loop in this one
        thread.submit(lambda: asyncio.run(deploy())).result()
    return system


def rows_of(page: Page, kind: str) -> Locator:
    rows = page.get_by_role("region", name="Last change of each kind").get_by_role("row")
    return rows.filter(has=page.get_by_role("rowheader", name=kind, exact=True))


def test_where_no_kind_has_changed_the_page_says_so(console: Page) -> None:
    expect(console.get_by_text("No kind has changed since it was registered.")).to_be_visible()


def test_a_deploy_shows_what_it_breaks_and_what_to_do(deployed: System, console: Page) -> None:
    parcel, letter, stamp = (rows_of(console, kind) for kind in ("parcel", "letter", "stamp"))
    expect(parcel).to_have_count(2)
    expect(console.get_by_role("main").locator("[role=status]")).to_contain_text(
        "1 kind has changed in a way that breaks"
    )
    first = parcel.nth(0)
    expect(first.locator(".chip")).to_have_text("breaks")
    expect(first).to_contain_text("an input must have a field that it need not have had")
    expect(first.locator("code")).to_have_text("/weight")
    expect(first).to_contain_text("Breaks queued inputs, clients.")
    expect(first).to_contain_text("To do: give it a default")
    expect(parcel.nth(1)).to_contain_text("Breaks readers of results.")
    expect(letter.nth(0)).to_contain_text("1 → 2")
    expect(letter.locator(".chip")).to_have_text(["notice", "new version"])
    expect(stamp.locator(".chip")).to_have_text("nothing breaks")
    expect(stamp).to_contain_text("description, input, timeout")


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark")], ids=["desk", "phone", "dark"]
)
def test_the_page_fits_every_screen(browser: Browser, deployed: System, width: int, scheme: str) -> None:
    context = new_context(
        browser, base_url=deployed.server.url, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    try:
        page = context.new_page()
        page.goto("/console#/kinds")
        expect(rows_of(page, "parcel")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        advice = rows_of(page, "parcel").nth(0).get_by_text("To do:").bounding_box()
        assert advice is not None
        assert advice["x"] + advice["width"] <= width, "what to do is seen without scrolling"
    finally:
        context.close()
