"""The page in a real browser: Debian's Chromium, against the system with the demo's jobs."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.context import new_context
from support.system import System, system_fixture
from support.timeouts import scaled
from support.web.chromium import PATIENCE_MS, running_browser

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples/demo/jobs.py")
ARTIFACTS = ROOT / "artifacts"


@pytest.fixture(autouse=True)
def patience() -> None:
    """Expectations wait as long as this machine needs at the moment."""
    expect.set_options(timeout=scaled(PATIENCE_MS))


# With a shop of its own.
system = system_fixture(
    DEMO,
    str(ROOT / "tests/support/kinds.py"),
    worker={"TIDINGS_DEMO_CACHE": str},
    server={"TIDINGS_PAGE": "demo"},
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, system: System) -> Iterator[BrowserContext]:
    context = new_context(browser, base_url=system.server.url, viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


FAILED = pytest.StashKey[bool]()
"""Whether the body of a test has failed."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note for the fixtures of a test whether it has failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that is connected; where the test fails, what the page looked like at the end is kept.

    An error in it fails the test, and so does anything that it does against its own policy.
    """
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    errors_of_policy = policy_messages(page)
    open_page(page)
    yield page
    if request.node.stash.get(FAILED, False):  # a picture takes the processor longer than many a test
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())}.png", full_page=True)
    assert errors == []
    assert errors_of_policy == []


def policy_messages(page: Page) -> list[str]:
    """Return what the browser will say about violations of a page's policy."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Policy" in message.text else None)
    return said


def open_page(page: Page) -> None:
    """Open the page and wait until its socket is open."""
    page.goto("/")
    page.locator('.connection[data-state="open"]').wait_for()
