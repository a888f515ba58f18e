"""Contexts of the browser whose waits are scaled."""

from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext

from support.timeouts import scaled
from support.web.chromium import PATIENCE_MS

CONSOLE_PAGES = (
    "overview", "workers", "jobs", "dead", "sagas", "kinds", "breakers", "webhooks", "groups", "connections", "audit",
)  # fmt: skip
"""The pages of the console, as their addresses name them."""

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
"""The colour schemes of a page, as browsers name them."""


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a context that waits as long as this machine needs at the moment."""
    context = browser.new_context(**{"reduced_motion": "reduce", **options})
    context.set_default_timeout(scaled(PATIENCE_MS))
    return context
