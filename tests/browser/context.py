"""Contexts of the browser whose waits are scaled."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext

from support.timeouts import scaled

PATIENCE_MS = 30_000
"""How long the page may take for anything: the first job on a cold machine reads all its data."""


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a context that waits as long as this machine needs at the moment."""
    context = browser.new_context(**options)
    context.set_default_timeout(scaled(PATIENCE_MS))
    return context
