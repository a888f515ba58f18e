"""The demo's chat: an answer right to the byte after a reload and in another tab, stopped by the button alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from browser.context import SCHEMES, new_context
from support.system import System
from support.timeouts import scaled
from support.web.chromium import PATIENCE_MS

COUNTED = "".join(f"{number}, " for number in range(60))


def answer_to(question: str) -> str:
    """Return what the stand-in answers to a question."""
    return f"You said “{question}”. {COUNTED}and that is all."


def card(page: Page) -> Locator:
    return page.get_by_role("article", name="Chat")


def last(page: Page) -> Locator:
    return card(page).locator('.chat-message[data-role="assistant"] .chat-text').last


def ask(page: Page, question: str) -> None:
    card(page).get_by_label("Say something").fill(question)
    card(page).get_by_role("button", name="Send").click()


def ended(page: Page) -> None:
    expect(card(page).get_by_role("button", name="Send")).to_be_enabled()


@contextmanager
def in_the_middle(page: Page, system: System, *, said: int = 0) -> Iterator[None]:
    """Wait until a page shows more of an answer than so many characters; then the model is silent in the block."""
    answers = "[...document.querySelectorAll('[data-role=assistant] .chat-text')]"
    longer = f"said => {answers}.pop()?.textContent.length > said"
    page.wait_for_function(longer, arg=said, timeout=scaled(PATIENCE_MS))
    (model,) = [
        process
        for process in psutil.Process(system.workers[0].process.pid).children(recursive=True)
        if any(word.endswith("chat_model") for word in process.cmdline())
    ]
    model.suspend()
    try:
        yield
    finally:
        model.resume()


def other_tab(page: Page) -> Page:
    tab = page.context.new_page()
    tab.goto("/")
    return tab


def test_an_answer_is_right_to_the_byte_after_a_reload_in_the_middle_and_in_another_tab(
    page: Page, system: System
) -> None:
    question, seen = "to be?", []
    ask(page, question)
    with in_the_middle(page, system):
        page.reload()
        tab = other_tab(page)
        for one in (page, tab):
            expect(last(one)).not_to_be_empty()
            expect(card(one).get_by_role("button", name="Stop")).to_be_enabled()
            seen.append(last(one).text_content() or "")
    for one in (page, tab):
        expect(last(one)).to_have_text(answer_to(question))
        ended(one)
        assert last(one).text_content() == answer_to(question)
    assert [text for text in seen if not answer_to(question).startswith(text)] == []
    ask(tab, "or not?")
    for one in (page, tab):  # a tab shows what another asks
        expect(last(one)).to_have_text(answer_to("or not?"))
        assert card(one).locator(".chat-message").all_text_contents() == [
            question, answer_to(question), "or not?", answer_to("or not?"),
        ]  # fmt: skip


@pytest.mark.parametrize("question", ["are you busy?", "will it break?"])
def test_a_model_that_refuses_or_breaks_off_once_costs_no_byte(page: Page, question: str) -> None:
    ask(page, question)
    expect(last(page)).to_have_text(answer_to(question))
    ended(page)
    assert card(page).locator(".chat-message").all_text_contents() == [question, answer_to(question)]


@pytest.mark.parametrize(
    ("button", "outcome", "told"),
    [
        ("Yes", "The sky is clear.", '{"place": "Rome", "sky": "clear"}'),
        ("No", "No.", "nothing: the user did not allow it"),
    ],
)
def test_a_tool_waits_for_the_user_across_a_reload(page: Page, button: str, outcome: str, told: str) -> None:
    ask(page, "the weather in Rome")
    expect(card(page).get_by_text("May I look up the weather in Rome?")).to_be_visible()
    ended(page)
    page.reload()
    card(page).get_by_role("button", name=button).click()
    expect(last(page)).to_contain_text("The tool says ")
    page.reload()
    answer = f"The tool says {told}. {COUNTED}and I believe it."
    expect(last(page)).to_have_text(answer)
    ended(page)
    assert last(page).text_content() == answer
    expect(card(page).get_by_text(outcome, exact=True)).to_be_visible()
    expect(card(page).get_by_role("button", name=button)).to_have_count(0)
    expect(card(page).locator(".chat-message")).to_have_count(2)


def test_only_its_button_stops_an_answer_which_keeps_what_was_said(page: Page, system: System) -> None:
    ask(page, "to be stopped")
    with in_the_middle(page, system):
        page.goto("about:blank")  # a page that leaves stops nothing
        page.goto("/")
        expect(last(page)).not_to_be_empty()
        before = last(page).text_content() or ""
    with in_the_middle(page, system, said=len(before)):  # it went on
        card(page).get_by_role("button", name="Stop").click()
    expect(card(page).get_by_text("Stopped.")).to_be_visible()
    ended(page)
    said = last(page).text_content() or ""
    page.reload()
    expect(last(page)).to_have_text(said)
    assert said != answer_to("to be stopped")
    assert answer_to("to be stopped").startswith(said)
    card(page).get_by_role("button", name="New chat").click()
    expect(card(page).locator(".chat-message")).to_have_count(0)


def test_a_question_that_the_server_refuses_stands_in_the_field_again(page: Page) -> None:
    page.evaluate("""() => localStorage.setItem("tidings.chat", JSON.stringify({ id: "no id", messages: [] }))""")
    page.reload()
    ask(page, "hello?")
    expect(card(page).get_by_label("Say something")).to_have_value("hello?")
    expect(card(page).get_by_role("status")).not_to_be_empty()
    expect(card(page).locator(".chat-message")).to_have_count(0)
    ended(page)


def test_without_the_kind_there_is_no_card(context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/v1/kinds", lambda route: route.fulfill(json={"kinds": []}))
    page.goto("/")
    expect(page.get_by_text("No worker has registered a kind yet.")).to_be_visible()
    expect(card(page)).to_have_count(0)


def test_it_fits_a_phone_in_dark_and_light(browser: Browser, system: System) -> None:
    context = new_context(browser, base_url=system.server.url, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto("/")
    ask(page, "x" * 200)
    expect(last(page)).to_contain_text("and that is all.")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
    context.close()
