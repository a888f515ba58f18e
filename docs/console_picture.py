"""Take the pictures of the console: `python docs/console_picture.py URL` while `make demo` runs; two minutes.

Needs Debian's package chromium.
"""

import random
import sys
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tidings import SyncClient

FOLDER = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
LOAD_S = 60
COLOURS = 255
"""Of a picture's palette: enough for flat colours, and fewer bytes."""


def main() -> None:
    """Let orders come for a while, some of which go wrong, and take the pictures."""
    url = sys.argv[1]
    enough = threading.Event()
    load = threading.Thread(target=_order, args=(url, enough))
    load.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            enough.wait(LOAD_S)
            _take(_open(browser, url, 1280, 1000, "light"), "overview")
            page = _open(browser, url, 1280, 1000, "light", "#/dead?kind=place_order")
            page.locator(".rows-body a").first.click()
            page.get_by_role("region", name="Problem").wait_for()
            _take(page, "job")
            _take(_open(browser, url, 390, 800, "dark"), "phone")
            browser.close()
    finally:
        enough.set()
        load.join()


def _order(url: str, enough: threading.Event) -> None:
    """Place orders, most of them good."""
    chance = random.Random(7)  # noqa: S311 - pictures, not secrets
    with SyncClient(url) as client:
        while not enough.wait(chance.expovariate(6)):
            address = chance.choices(["in reach", "out of reach"], [9, 1])[0]
            card = chance.choices(["good", "declined", "flaky"], [12, 1, 1])[0]
            client.submit("place_order", card=card, address=address, pace=chance.random() / 4)


def _open(browser: Browser, url: str, width: int, height: int, scheme: str, place: str = "") -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.goto(f"{url}/console{place}")
    page.locator('.connection[data-state="open"]').wait_for()
    page.wait_for_timeout(12_000)  # the small lines have something to show
    return page


def _take(page: Page, name: str) -> None:
    path = FOLDER / f"console-{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
