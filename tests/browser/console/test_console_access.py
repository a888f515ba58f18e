"""The console for everybody: names, headings, contrast, narrow screens, and lists of any length."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.context import CONSOLE_PAGES, new_context
from support.system import System
from support.timeouts import scaled
from tidings import ProblemError, SyncClient

FOLDER = Path(__file__).with_name("access")
WANTING = (FOLDER / "wanting.js").read_text()
FAINT = (FOLDER / "faint.js").read_text()


@pytest.fixture(scope="module")
def busy(system: System) -> None:
    """Some of everything to see."""
    with SyncClient(system.server.url) as client:
        assert client.submit("steps").result(timeout=scaled(20)) == 3
        for kind in ("raises", "reject"):
            with pytest.raises(ProblemError):
                client.submit(kind).result(timeout=scaled(20))


@pytest.fixture
def phone(browser: Browser, system: System) -> Iterator[BrowserContext]:
    context = new_context(
        browser, base_url=system.server.url, viewport={"width": 390, "height": 844}, color_scheme="dark"
    )
    yield context
    context.close()


def open_console(context: BrowserContext, place: str = "overview") -> Page:
    page = context.new_page()
    page.goto(f"/console#/{place}")
    page.locator('.connection[data-state="open"]').wait_for()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def settle(page: Page, place: str) -> None:
    """Go to a page, and wait until what it asked for has come."""
    page.goto(f"/console#/{place}")
    expect(page.locator(f'nav [data-page="{place}"][aria-current="page"]')).to_be_visible()
    page.wait_for_load_state("networkidle")


@pytest.mark.usefixtures("busy")
def test_everything_has_a_name_and_its_place_in_every_page(context: BrowserContext) -> None:
    page = open_console(context)
    for place in CONSOLE_PAGES:
        settle(page, place)
        assert page.evaluate(WANTING) == [], place
    page.goto("/console#/dead")
    page.locator(".rows-body a").first.click()
    expect(page.get_by_role("region", name="Problem")).to_be_visible()
    assert page.evaluate(WANTING) == []


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(context: BrowserContext, scheme: str) -> None:
    page = open_console(context)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for place in CONSOLE_PAGES:
        settle(page, place)
        assert page.evaluate(FAINT) == [], place


@pytest.mark.usefixtures("busy")
def test_every_page_fits_a_phone(phone: BrowserContext) -> None:
    page = open_console(phone)
    for place in CONSOLE_PAGES:
        settle(page, place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, place


def test_what_changes_is_told_politely_and_where_one_is_too(context: BrowserContext) -> None:
    page = open_console(context)
    page.get_by_role("navigation").get_by_role("link", name="Workers").click()
    expect(page.get_by_role("status", name="News")).to_have_text("Workers")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert page.locator('[aria-live="assertive"]').count() == 0


def test_a_list_of_100_000_rows_scrolls_with_few_of_them_there(context: BrowserContext) -> None:
    page = open_console(context)
    page.evaluate("""async () => {
        const { Virtual } = await import("/static/console/parts/virtual.js");
        const list = new Virtual({
            caption: "Many", empty: "None.", key: String,
            cells: [{ head: "Number", wide: [5, 1], cell: (row) =>
                Object.assign(document.createElement("a"), { href: "#/x", textContent: row }) }],
        });
        document.querySelector("main").replaceChildren(list.element);
        list.show(Array.from({ length: 100_000 }, (_, at) => at));
        window.most = 0;
        new MutationObserver(() => { most = Math.max(most, document.querySelectorAll(".rows-body .row").length); })
            .observe(document.querySelector(".rows-body"), { childList: true });
    }""")
    table = page.get_by_role("table", name="Many")
    expect(table).to_have_attribute("aria-rowcount", "100001")
    for share in (0.25, 0.5, 0.999, 1):
        table.evaluate("(box, share) => { box.scrollTop = share * (box.scrollHeight - box.clientHeight); }", share)
        row = round(share * 99_999)
        near = "row => [...document.querySelectorAll('.row a')].some((one) => Math.abs(one.textContent - row) < 30)"
        page.wait_for_function(near, arg=row)
    expect(table.get_by_role("link", name="99999", exact=True)).to_be_in_viewport()
    expect(table.get_by_role("row", name="99999", exact=True)).to_have_attribute("aria-rowindex", "100001")
    assert page.evaluate("most") < 80
    assert table.locator("*").count() < 400
    link = table.get_by_role("link", name="99990", exact=True)
    link.focus()
    for _ in range(5):
        page.keyboard.press("k")
    expect(table.get_by_role("link", name="99985", exact=True)).to_be_focused()
