"""Take the README's picture of the page: `python docs/picture.py URL` while `make demo` runs.

Needs Debian's package chromium.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

PICTURE = Path(__file__).parent / "images/page.png"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    """Start one of each kind, and take the picture when all have ended."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1010})
        page.goto(sys.argv[1])
        page.get_by_role("button", name="Start one of each").click()
        expect(page.locator("li.job.is-finished")).to_have_count(4, timeout=60_000)
        _order_and_stop_half_way(page)
        page.screenshot(path=PICTURE)
        browser.close()


def _order_and_stop_half_way(page: Page) -> None:
    """Have an order in the picture that is being undone."""
    page.get_by_label("What goes wrong").select_option("courier")
    page.get_by_role("button", name="Place order").click()
    page.locator('li.job[data-state="undoing"] .step[data-status="compensated"]').first.wait_for()
    page.evaluate("scrollTo(0, 0)")


if __name__ == "__main__":
    main()
