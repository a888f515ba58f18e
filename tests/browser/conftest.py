"""The page in a real browser: Debian's Chromium, against the system with the demo's jobs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from support.system import System, running_system

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples/demo/jobs.py")
ARTIFACTS = ROOT / "artifacts"
CHROMIUM = "/usr/bin/chromium"
# Without these Chromium looks for its vendor's hosts at every start.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000
"""How long the page may take for anything: the first job on a cold machine reads all its data."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(servers=0, workers=0) as system:
        folder = tmp_path_factory.mktemp("demo")  # a shop of its own
        system.add_worker(DEMO, str(ROOT / "tests/support/kinds.py"), TIDINGS_DEMO_CACHE=str(folder))
        system.add_server()
        yield system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, system: System) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=system.server.url, viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that is connected; what it looked like at the end is kept, and an error in it fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_page(page)
    yield page
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())}.png", full_page=True)
    assert errors == []


def open_page(page: Page) -> None:
    """Open the page and wait until its socket is open."""
    page.goto("/")
    page.locator('.connection[data-state="open"]').wait_for()
