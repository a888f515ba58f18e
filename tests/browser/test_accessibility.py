"""Every page keeps the rules of axe, on a desk and on a phone, and nothing is too small or cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser.context import CONSOLE_PAGES, new_context
from support.system import JOBS, System, system_fixture
from support.timeouts import scaled
from tidings import SyncClient

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TARGET_PX = 24
"""WCAG 2.2, success criterion 2.5.8."""


HANDLERS = JOBS.with_name("handlers")
system = system_fixture(str(JOBS), str(HANDLERS / "breaker_kinds.py"), str(HANDLERS / "saga_kinds.py"))


@pytest.fixture(scope="module")
def tokens(system: System, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Jobs so that each page has something to show."""
    never = str(tmp_path_factory.mktemp("never") / "never")
    with SyncClient(system.server.url) as client:
        failed = client.submit("mended", path=never)
        with pytest.raises(Exception, match="attempt"):
            failed.result(timeout=scaled(20))
        undone = client.submit("build", fail=True)
        with pytest.raises(Exception, match="wind"):
            undone.result(timeout=scaled(20))
        running = client.submit("wait_for_file", path=never)
        client.submit("pay", url="http://127.0.0.1:9/")
        client.submit("noop").result(timeout=scaled(20))
    httpx.post(f"{system.server.url}/v1/admin/queues/default/resume")
    return [failed.token, undone.token, running.token]


@pytest.fixture(params=["desk", "phone", "phone, dark"])
def page(request: pytest.FixtureRequest, browser: Browser, system: System) -> Iterator[Page]:
    context = new_context(
        browser,
        base_url=system.server.url,
        viewport=DESK if request.param == "desk" else PHONE,
        color_scheme="dark" if "dark" in request.param else "light",
        bypass_csp=True,  # axe is put into the page
    )
    yield context.new_page()
    context.close()


def broken_rules(page: Page) -> list[Any]:
    """Return what axe finds, each with the elements."""
    page.add_script_tag(path=AXE)
    # A colour that is on its way to another has any contrast; axe measures what stays.
    page.evaluate("Promise.all(document.getAnimations().map(one => one.finished.catch(() => null)))")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)")
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def small_targets(page: Page) -> list[str]:
    """Return links and buttons in sight that are lower than a finger needs."""
    found: list[str] = page.evaluate(
        """least => [...document.querySelectorAll("a, button, select, summary")]
            .map(one => [one, one.getBoundingClientRect()])
            .filter(([one, box]) => box.width > 0 && box.height > 1 && box.height < least - 0.5)
            .map(([one, box]) => `${one.outerHTML.slice(0, 120)} ${box.height}`)""",
        TARGET_PX,
    )
    return found


def check(page: Page, name: str) -> None:
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = (broken_rules(page), small_targets(page), fits)
    if found != ([], [], True):
        (ROOT / "artifacts").mkdir(exist_ok=True)
        page.screenshot(path=ROOT / f"artifacts/{name}.png", full_page=True)
    assert found == ([], [], True)


def test_each_page_of_the_console_keeps_the_rules(
    page: Page, tokens: list[str], request: pytest.FixtureRequest
) -> None:
    look = request.node.callspec.id.replace(", ", "-")
    for place in [*CONSOLE_PAGES, *(f"jobs/{token}" for token in tokens)]:
        page.goto(f"/console#/{place}")
        expect(page.locator('.connection[data-state="open"]')).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if place.startswith("jobs/"):
            expect(page.get_by_role("region", name="What happened when")).to_be_visible()
        elif place in ("jobs", "dead"):
            expect(page.locator(".rows-body .row").first).to_be_visible()
            chip = page.locator(".rows-body .row .chip").first
            shown = chip.evaluate("one => one.scrollWidth <= one.closest('.cell').clientWidth + 1")
            assert shown, "the state is cut off"
        check(page, f"console-{look}-{place[:40].replace('/', '-')}")


def test_the_page_of_the_kinds_keeps_the_rules(page: Page, request: pytest.FixtureRequest) -> None:
    page.goto("/")
    kinds = page.get_by_role("form", name="A job").get_by_label("Kind", exact=True)
    expect(kinds.locator("option")).not_to_have_count(0)
    look = request.node.callspec.id.replace(", ", "-")
    for kind in ("order", "echo", "build"):
        kinds.select_option(kind)
        page.get_by_role("button", name="Submit").click()
        expect(page.locator(f'li.job[data-kind="{kind}"]')).not_to_have_count(0)
        check(page, f"kinds-{look}-{kind}")
