"""What the tests of applications share: a browser, and pages in which no error may go unseen."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.context import new_context
from support.timeouts import scaled
from support.web.chromium import PATIENCE_MS, running_browser


@pytest.fixture(autouse=True)
def patience() -> None:
    """Expectations wait as long as this machine needs at the moment."""
    expect.set_options(timeout=scaled(PATIENCE_MS))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@contextmanager
def visitor(browser: Browser, url: str) -> Iterator[Page]:
    """Open a page with cookies of its own; an error that the page does not catch fails the test."""
    context = new_context(browser, base_url=url)
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/")
        yield page
        assert errors == []
    finally:
        context.close()
