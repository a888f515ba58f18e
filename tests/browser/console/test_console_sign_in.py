"""Who may see the console, where the server asks."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.credential import JWT_SERVER, token
from support.system import system_fixture

system = system_fixture(credential=lambda: token(scope="admin"), server=JWT_SERVER)


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/console")
    yield page
    assert errors == []


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Sign in")


def sign_in(page: Page, credential: str) -> None:
    page.get_by_label("Credential").fill(credential)
    page.get_by_role("button", name="Sign in").click()


def test_it_asks_until_a_credential_is_accepted_and_forgets_it_at_sign_out(page: Page) -> None:
    expect(dialog(page)).to_contain_text("This server asks who you are.")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_visible()
    sign_in(page, "nonsense")
    expect(dialog(page)).to_contain_text("does not take this credential")
    sign_in(page, token(scope="submit watch"))
    expect(dialog(page)).to_contain_text("needs the scope admin")
    credential = token(scope="admin")
    sign_in(page, credential)
    expect(page.locator('.connection[data-state="open"]')).to_be_visible()
    expect(page.get_by_role("region", name="Queues and their tiers")).to_contain_text("standard")
    assert credential not in page.evaluate("JSON.stringify(localStorage) + document.cookie")
    page.reload()  # the tab remembers
    expect(page.get_by_role("region", name="Queues and their tiers")).to_contain_text("standard")
    other = page.context.new_page()
    other.goto("/console")  # another does not
    expect(dialog(other)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(dialog(page)).to_contain_text("This server asks who you are.")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_credential_that_runs_out_is_asked_for_again_and_the_page_goes_on(page: Page) -> None:
    sign_in(page, token(scope="admin", exp=int(time.time()) + 4))
    expect(page.get_by_role("region", name="Queues and their tiers")).to_contain_text("standard")
    expect(dialog(page)).to_contain_text("does not take this credential")
    sign_in(page, token(scope="admin"))
    expect(page.locator('.connection[data-state="open"]')).to_be_visible()
    expect(dialog(page)).to_be_hidden()
    page.get_by_role("navigation").get_by_role("link", name="Workers").click()
    expect(page.get_by_role("list", name="Workers").get_by_role("listitem")).to_have_count(1)
