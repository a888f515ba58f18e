"""The browser of tests: Debian's Chromium, if possible the program of it that has no window.

The whole browser takes five times the processor time for a page, most of it for windows that no test sees.
`TIDINGS_TEST_BROWSER` names another program, such as `/usr/bin/chromium`, to run the same tests in it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from support.timeouts import scaled

PATIENCE_MS = 30_000
"""How long the page may take for anything: the first job on a cold machine reads all its data."""

# Without these Chromium looks for its vendor's hosts at every start.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def program() -> str:
    """Return the path of the browser's program."""
    return os.environ.get("TIDINGS_TEST_BROWSER") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run a browser around the body."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS, timeout=scaled(PATIENCE_MS))
        yield browser
        browser.close()
