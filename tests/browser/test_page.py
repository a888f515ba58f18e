"""What a visitor does on the page: start, watch, cancel, reload; on a desk, on a phone, by keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.context import SCHEMES, new_context
from support.system import System
from support.timeouts import scaled


def cards(page: Page) -> Locator:
    return page.locator("li.job")


def card(page: Page, kind: str) -> Locator:
    return page.locator(f'li.job[data-kind="{kind}"]').first


def submit_other(page: Page, kind: str, value: str) -> None:
    """Submit by the form for kinds the page knows nothing of."""
    form = page.get_by_role("form", name="Other work")
    form.get_by_label("Kind", exact=True).select_option(kind)
    if not form.get_by_label("Input (JSON)").is_visible():
        form.get_by_role("button", name="Write it as JSON").click()
    form.get_by_label("Input (JSON)").fill(value)
    form.get_by_role("button", name="Submit").click()


def test_one_of_each_kind_runs_at_once_and_shows_its_result(page: Page) -> None:
    page.get_by_role("button", name="Start one of each").click()
    expect(cards(page)).to_have_count(5)
    for kind in ("place_order", "flight_delays", "thumbnails", "index_text", "recite"):
        expect(card(page, kind)).to_have_attribute("data-state", "succeeded")
    expect(card(page, "flight_delays").locator("svg[role=img]")).to_be_visible()
    card(page, "flight_delays").get_by_text("Table of 12 rows").click()
    expect(card(page, "flight_delays").get_by_role("table")).to_be_visible()
    pictures = card(page, "thumbnails").get_by_role("list", name="Pictures made").get_by_role("img")
    assert pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    expect(card(page, "index_text").get_by_role("log")).to_be_visible()


def test_a_picture_of_the_visitor_becomes_thumbnails(page: Page, tmp_path: Path) -> None:
    from PIL import Image  # noqa: PLC0415 - heavy, and only here

    picture = tmp_path / "mine.png"
    Image.radial_gradient("L").resize((640, 480)).save(picture)
    page.get_by_label("Choose a picture").set_input_files(picture)
    expect(card(page, "thumbnails")).to_have_attribute("data-state", "succeeded")
    pictures = card(page, "thumbnails").get_by_role("list", name="Pictures made").get_by_role("img")
    assert pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_a_reload_in_the_middle_picks_the_job_up_where_it_was(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "go"
    submit_other(page, "wait_for_file", f'{{"path": "{path}"}}')
    job = card(page, "wait_for_file")
    expect(job.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    token = job.get_attribute("data-token")
    page.reload()
    job = card(page, "wait_for_file")
    expect(job).to_have_attribute("data-token", token or "")
    expect(job).to_have_attribute("data-state", "running")
    expect(job.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    expect(job.get_by_role("log")).to_contain_text("waiting")
    path.touch()
    expect(job).to_have_attribute("data-state", "succeeded")
    page.reload()
    expect(card(page, "wait_for_file")).to_have_attribute("data-state", "succeeded")


def test_two_tabs_show_the_same_job(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "go"
    submit_other(page, "wait_for_file", f'{{"path": "{path}"}}')
    expect(card(page, "wait_for_file")).to_have_attribute("data-state", "running")
    other = page.context.new_page()
    other.goto("/")
    expect(card(other, "wait_for_file")).to_have_attribute("data-state", "running")
    path.touch()
    for tab in (page, other):
        expect(card(tab, "wait_for_file")).to_have_attribute("data-state", "succeeded")


def test_a_job_is_cancelled_by_its_button(page: Page, tmp_path: Path) -> None:
    submit_other(page, "wait_for_file", f'{{"path": "{tmp_path / "never"}"}}')
    job = card(page, "wait_for_file")
    job.get_by_role("button", name="Cancel").click()
    expect(job).to_have_attribute("data-state", "cancelled")
    page.get_by_role("button", name="Remove finished").click()
    expect(cards(page)).to_have_count(0)


def test_a_bad_input_is_refused_on_its_card_and_the_page_goes_on(page: Page) -> None:
    submit_other(page, "echo", '{"text": 3}')
    expect(card(page, "echo")).to_have_attribute("data-state", "refused")
    expect(card(page, "echo")).to_contain_text("/input/text")
    submit_other(page, "echo", '{"text": "<img src=x onerror=alert(1)>"}')
    expect(card(page, "echo")).to_have_attribute("data-state", "succeeded")
    expect(card(page, "echo")).to_contain_text("<img src=x onerror=alert(1)>")


def test_it_works_by_keyboard_alone(page: Page) -> None:
    button = page.get_by_role("button", name="Count delays")
    for _ in range(30):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    else:
        pytest.fail("the button cannot be reached by Tab")
    page.keyboard.press("Enter")
    expect(card(page, "flight_delays")).to_have_attribute("data-state", "succeeded")


def test_it_fits_a_phone_and_reads_in_dark_and_light(browser: Browser, system: System) -> None:
    context = new_context(browser, base_url=system.server.url, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Start one of each").click()
    expect(page.locator("li.job.is-finished")).to_have_count(5, timeout=scaled(30_000))
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        background: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = float(background.removeprefix("oklch(").split()[0])  # CSS Color 4: 0 is black, 1 is white
        assert (lightness < 0.5) == (scheme == "dark")
    context.close()
