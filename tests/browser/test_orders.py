"""What a visitor sees of an order: steps light up, wait for an answer, and are undone."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from browser.context import SCHEMES, new_context
from support.system import System, system_fixture

ROOT = Path(__file__).parents[2]


system = system_fixture(
    str(ROOT / "examples/demo/jobs.py"),
    str(ROOT / "tests/support/handlers/saga_kinds.py"),
    worker={"TIDINGS_DEMO_CACHE": str},
    server={"TIDINGS_PAGE": "demo"},
)


def place(page: Page, item: str = "teapot", trouble: str = "nothing") -> Locator:
    """Place an order; return its card."""
    form = page.get_by_role("form", name="Place an order")
    form.get_by_label("Item").select_option(item)
    form.get_by_label("What goes wrong").select_option(label=trouble)
    form.get_by_role("button", name="Place order").click()
    return page.locator('li.job[data-kind="place_order"]').first


def step(card: Locator, name: str) -> Locator:
    return card.get_by_role("list", name="Steps").get_by_role("listitem").filter(has_text=name)


def expect_steps(card: Locator, **statuses: str) -> None:
    for name, status in statuses.items():
        shown = name.replace("_", " ")
        expect(step(card, shown[0].upper() + shown[1:])).to_have_attribute("data-status", status)


def expect_books_agree(page: Page) -> None:
    form = page.get_by_role("form", name="Place an order")
    if not form.get_by_role("button", name="Check the books").is_visible():
        form.get_by_text("Behind the counter").click()
    form.get_by_role("button", name="Check the books").click()
    expect(form.get_by_role("status")).to_contain_text("Stock, card service and courier agree")


def test_steps_light_up_one_after_the_other_until_the_parcel_has_its_label(page: Page) -> None:
    card = place(page)
    expect_steps(card, reserve_stock="running")
    expect_steps(card, reserve_stock="succeeded", charge_card="running")
    expect(card).to_have_attribute("data-state", "succeeded")
    expect_steps(card, reserve_stock="succeeded", charge_card="succeeded", print_label="succeeded", ship="succeeded")
    label = card.get_by_role("img", name="The label of the parcel")
    assert label.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
    expect_books_agree(page)


def test_without_a_courier_the_money_and_the_stock_go_back_before_the_visitor_s_eyes(page: Page) -> None:
    card = place(page, trouble="no courier drives there")
    expect(card).to_have_attribute("data-state", "undoing")
    expect_steps(card, charge_card="compensating", reserve_stock="succeeded")
    expect_steps(card, charge_card="compensated", reserve_stock="compensating")
    expect(card).to_have_attribute("data-state", "failed")
    expect_steps(card, reserve_stock="compensated", charge_card="compensated", book_courier="failed")
    expect(step(card, "Book courier")).to_contain_text("no courier drives to this address")
    expect(card.locator(".problem")).to_contain_text("Every step that has a compensation was undone.")
    expect(card.locator('.step[data-status="succeeded"]')).to_have_count(0)  # what stays done is not shown as a success
    expect_books_agree(page)


def test_a_declined_card_gives_the_stock_back(page: Page) -> None:
    card = place(page, trouble="the card is declined")
    expect(card).to_have_attribute("data-state", "failed")
    expect_steps(card, reserve_stock="compensated", charge_card="failed")


def test_a_large_order_waits_for_an_answer_across_a_reload(page: Page) -> None:
    card = place(page, "samovar")
    expect(card).to_have_attribute("data-state", "waiting")
    expect(step(card, "Approved")).to_contain_text("waits for an answer")
    expect(card.locator(".card-head .chip")).to_have_text("waits for an answer")
    page.reload()
    card = page.locator('li.job[data-kind="place_order"]').first
    expect_steps(card, reserve_stock="succeeded", charge_card="succeeded", approved="running")
    step(card, "Approved").get_by_role("button", name="Approve").press("Enter")
    expect(card).to_have_attribute("data-state", "succeeded")
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)


def test_a_large_order_that_is_refused_is_undone(page: Page) -> None:
    card = place(page, "samovar")
    card.get_by_role("button", name="Refuse").click()
    expect(card).to_have_attribute("data-state", "failed")
    expect_steps(card, reserve_stock="compensated", charge_card="compensated", book_courier="compensated")
    expect(card.locator(".problem")).to_contain_text("the order was not approved")


def test_an_order_cancelled_on_the_way_is_undone(page: Page) -> None:
    card = place(page)
    expect_steps(card, charge_card="succeeded")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-state", "failed")
    expect_steps(card, reserve_stock="compensated", charge_card="compensated")
    expect_books_agree(page)


def test_the_card_service_is_told_by_the_page_how_to_behave(page: Page) -> None:
    form = page.get_by_role("form", name="Place an order")
    form.get_by_text("Behind the counter").click()
    mode = form.get_by_label("Card service, for everybody")
    mode.select_option(label="declines every card")
    expect(form.get_by_role("status")).to_contain_text("declines every card")
    try:
        expect_steps(place(page), charge_card="failed")
    finally:
        mode.select_option(label="works")
        expect(form.get_by_role("status")).to_contain_text("works")


def test_any_saga_can_be_answered_with_json_and_what_is_none_is_not_sent(page: Page) -> None:
    form = page.get_by_role("form", name="Other work")
    kinds = form.get_by_label("Kind", exact=True)
    expect(kinds.locator("option[value=charge_card]")).to_have_count(0)  # the shop's own, not offered
    kinds.select_option("ask_name")
    form.get_by_role("button", name="Submit").click()
    card = page.locator('li.job[data-kind="ask_name"]').first
    line = step(card, "Name")
    line.get_by_label("What to say (JSON)").fill("{")
    line.get_by_role("button", name="Send").click()
    expect(line).to_contain_text("Not sent")
    line.get_by_label("What to say (JSON)").fill('{"first": "Ann"}')
    line.get_by_role("button", name="Send").click()
    expect(card).to_have_attribute("data-state", "succeeded")
    expect(card).to_contain_text('"first": "Ann"')


def test_its_timeline_fits_a_phone_in_dark_and_light(browser: Browser, system: System) -> None:
    context = new_context(browser, base_url=system.server.url, viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto("/")
    card = place(page, trouble="no courier drives there")
    expect(card).to_have_attribute("data-state", "failed")
    expect(place(page)).to_have_attribute("data-state", "succeeded")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    word = step(card, "Charge card").locator(".step-state")
    papers = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        colours = word.evaluate(
            "one => [getComputedStyle(one).color, getComputedStyle(one.closest('.card')).backgroundColor]"
        )
        ink, paper = (float(re.search(r"oklch\(([\d.]+)", colour)[1]) for colour in colours)  # type: ignore[index]
        assert abs(ink - paper) > 0.4  # lightness: enough to be read
        papers.append(paper)
    assert papers[0] > 0.5 > papers[1]
    context.close()
