"""The page at `/` of a server: its own kinds, each with a form of fields made from the schema of its input."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.system import JOBS, System, system_fixture

system = system_fixture(str(JOBS), str(JOBS.with_name("handlers") / "saga_kinds.py"))


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """The page, connected; an error in it fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/")
    page.locator('.connection[data-state="open"]').wait_for()
    yield page
    assert errors == []


def form_of(page: Page, kind: str) -> Locator:
    form = page.get_by_role("form", name="A job")
    form.get_by_label("Kind", exact=True).select_option(kind)
    return form


def card(page: Page, kind: str) -> Locator:
    return page.locator(f'li.job[data-kind="{kind}"]').first


def test_nothing_of_the_demo_is_on_it(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Run a job")
    expect(page.locator('[data-part^="starter-"]')).to_have_count(1)
    expect(page.get_by_role("button", name="Start one of each")).to_have_count(0)


def test_fields_are_made_from_the_schema_and_sent(page: Page) -> None:
    form = form_of(page, "echo")
    form.get_by_role("textbox", name="text").fill("tea ")
    expect(form.get_by_role("spinbutton", name="times")).to_have_value("1")
    form.get_by_role("spinbutton", name="times").fill("3")
    form.get_by_role("button", name="Submit").click()
    expect(card(page, "echo")).to_have_attribute("data-state", "succeeded")
    expect(card(page, "echo")).to_contain_text("tea tea tea")


def test_nested_objects_and_lists_have_fields_and_the_server_s_problem_stands_at_its_field(page: Page) -> None:
    form = form_of(page, "order")
    expect(form.get_by_label("Input (JSON)")).to_be_hidden()
    form.get_by_role("button", name="Add").click()
    form.get_by_role("button", name="Add").click()
    form.get_by_role("textbox", name="article").first.fill("pot")
    form.get_by_role("textbox", name="article").last.fill("cup")
    form.get_by_role("spinbutton", name="count").last.fill("0")
    form.get_by_role("textbox", name="street").fill("High Street")
    form.get_by_role("textbox", name="zip").fill("12345")
    form.get_by_role("button", name="Submit").click()
    wrong = form.get_by_role("spinbutton", name="count").last
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(form.get_by_role("alert").filter(has_text="minimum")).to_have_count(1)
    wrong.fill("2")
    form.get_by_role("button", name="Submit").click()
    expect(card(page, "order")).to_have_attribute("data-state", "succeeded")
    expect(form.locator("[aria-invalid=true]")).to_have_count(0)


def test_booleans_and_choices_are_chosen(page: Page) -> None:
    form = form_of(page, "build")
    form.get_by_role("combobox", name="fail").select_option("yes")
    form.get_by_role("button", name="Submit").click()
    expect(card(page, "build")).to_have_attribute("data-state", "failed")
    form = form_of(page, "reject")
    form.get_by_role("combobox", name="why").select_option("worse")
    form.get_by_role("button", name="Submit").click()
    expect(card(page, "reject")).to_have_attribute("data-state", "failed")


def test_the_fields_become_json_and_what_is_none_is_not_sent(page: Page) -> None:
    form = form_of(page, "echo")
    form.get_by_role("textbox", name="text").fill("written")
    form.get_by_role("button", name="Write it as JSON").click()
    text = form.get_by_label("Input (JSON)")
    expect(text).to_have_value(re.compile('"text": "written"'))
    text.fill("{")
    form.get_by_role("button", name="Submit").click()
    expect(form.get_by_role("alert")).to_contain_text("Not JSON")
    expect(page.locator("li.job")).to_have_count(0)


@pytest.mark.parametrize(
    ("setting", "status", "said"), [("none", 404, ""), ("demo", 200, "Place an order"), ("kinds", 200, "Run a job")]
)
def test_a_setting_says_what_stands_there(system: System, setting: str, status: int, said: str) -> None:
    server = system.add_server(TIDINGS_PAGE=setting)
    answer = httpx.get(server.url)
    assert (answer.status_code, said in answer.text) == (status, True)
    server.close()
    system.servers.remove(server)
