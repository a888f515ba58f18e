"""Take the pictures of the console, the demo's page and the page of forms, light and dark: `make pictures`.

It takes four minutes, and runs all that they show itself. Needs Debian's package chromium-headless-shell, or chromium.
"""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from screenshots.scene import DEMO, ROOT, SHOP, operate, orders_coming, running_dev

FOLDER = ROOT / "docs/images"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CONSOLE_PAGES = (
    "overview", "workers", "jobs", "dead", "sagas", "kinds", "breakers", "webhooks", "groups", "connections", "audit",
)  # fmt: skip
"""As `static/console/pages.js` names them; a test compares them."""

PICTURES = (*(f"console-{page}" for page in (*CONSOLE_PAGES, "job", "phone")), "demo", "demo-phone", "forms")
"""Those that there are, of each scheme."""

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
WIDTH, PHONE = 1280, 390
MOST_HEIGHT, MOST_PHONE = 1000, 1200
"""Of a picture; what lies below is cut off."""
QUALITY = 75
LOAD_S = 60
MOST_BYTES = 2_000_000
"""Of all pictures."""


TO_TOP = """selector => {
  document.activeElement?.blur();
  const top = document.querySelector(selector).getBoundingClientRect().top + scrollY;
  scrollTo(0, selector === "body" ? 0 : top - 72);
}"""
"""Shows an element below the masthead."""

SHOWN_TO = """() => {
  const shown = [...document.querySelectorAll("main > *, main .panel, .nav-list")];
  const ends = shown.map((one) => one.getBoundingClientRect().bottom);
  return Math.ceil(Math.max(...ends)) + 24;
}"""
"""Where the last thing ends that the page shows, px below the top of the window."""


def main() -> None:
    """Take them."""
    program = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        with running_dev(DEMO, page="demo") as url:
            _demo(browser, url)
        with running_dev(SHOP, page="kinds") as url:
            _forms(browser, url)
        with running_dev(DEMO, page="demo", shop=True) as url, orders_coming(url):
            _console(browser, url)
        browser.close()
    paths = [path(name, scheme) for name in PICTURES for scheme in SCHEMES]
    size = sum(one.stat().st_size for one in paths)
    if size > MOST_BYTES:
        sys.exit(f"the pictures have {size:,} bytes; at most {MOST_BYTES:,} are wanted")
    print(f"{len(paths)} pictures, {size:,} bytes: {FOLDER.relative_to(ROOT)}")  # noqa: T201


def path(name: str, scheme: str) -> Path:
    """Return where a picture lies."""
    return FOLDER / scheme / f"{name}.webp"


def _demo(browser: Browser, url: str) -> None:
    """Start one of each kind, say something to the model, and have an order undone."""
    with _page(browser, url, WIDTH) as page:
        page.get_by_role("button", name="Start one of each").click()
        kinds = page.locator("article.starter[data-served=yes]:not([data-part=starter-chat])")
        chat = page.get_by_role("article", name="Chat")
        chat.get_by_label("Say something").fill("How is the weather in Paris?")
        chat.get_by_role("button", name="Send").click()
        chat.get_by_role("button", name="Yes", exact=True).first.click()
        expect(page.locator("li.job.is-finished")).to_have_count(kinds.count(), timeout=90_000)
        page.get_by_label("What goes wrong").select_option("courier")
        page.get_by_role("button", name="Place order").click()
        page.locator('li.job[data-state="failed"] .step[data-status="compensated"]').first.wait_for()
        _take(page, "demo")
        page.set_viewport_size({"width": PHONE, "height": MOST_PHONE})
        _take(page, "demo-phone", top="#jobs")


def _console(browser: Browser, url: str) -> None:
    """Look at each page of the console while orders come."""
    with _page(browser, url, WIDTH, "console") as page:
        page.locator('.connection[data-state="open"]').wait_for()
        page.wait_for_timeout(LOAD_S * 1000)
        operate(url)
        for name in CONSOLE_PAGES:
            page.goto(f"{url}/console#/{name}")
            page.wait_for_timeout(
                6000
            )  # what is asked for every few seconds is there, and small lines have something to show
            _take(page, f"console-{name}")
        page.goto(f"{url}/console#/dead?kind=place_order")
        page.locator(".rows-body a").first.click()
        page.get_by_role("region", name="Problem").wait_for()
        _take(page, "console-job")
        page.set_viewport_size({"width": PHONE, "height": MOST_PHONE})
        page.goto(f"{url}/console#/overview")
        page.wait_for_timeout(12_000)
        _take(page, "console-phone")


def _forms(browser: Browser, url: str) -> None:
    """Submit by a form what the page makes of the kinds."""
    with _page(browser, url, WIDTH) as page:
        page.get_by_label("Kind", exact=True).select_option("send_invoice")
        page.get_by_label("order").fill("order-17")
        page.get_by_label("cents").fill("2400")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator("li.job.is-finished")).to_have_count(1)
        _take(page, "forms")


@contextmanager
def _page(browser: Browser, url: str, width: int, place: str = "") -> Iterator[Page]:
    page = browser.new_page(viewport={"width": width, "height": MOST_HEIGHT}, color_scheme="light")
    try:
        page.goto(f"{url}/{place}")
        yield page
    finally:
        page.close()


def _take(page: Page, name: str, top: str = "body") -> None:
    """Take a picture of each scheme, from the top of an element to the end of what the page shows."""
    page.mouse.move(0, 0)  # nothing under the pointer looks other than it does
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(TO_TOP, top)
        page.wait_for_timeout(500)  # what is painted rather than styled is painted again
        height = page.evaluate(SHOWN_TO)
        with Image.open(io.BytesIO(page.screenshot())) as picture:
            target = path(name, scheme)
            target.parent.mkdir(parents=True, exist_ok=True)
            shown = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, height)))
            shown.save(target, quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
