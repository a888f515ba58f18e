"""The example of a chat, with the real `useChat` in a real browser, and everything that may fail on the way."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.context import new_context
from support.system import System, running_system
from support.timeouts import scaled
from support.waiting import until
from support.web.chromium import PATIENCE_MS, running_browser
from support.web.site import SiteProcess

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "chat"
LEASE = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}
WORDS = 60


def answer_to(question: str) -> str:
    """Return what the stand-in answers to a question."""
    return f"You said “{question}”. " + "".join(f"{number}, " for number in range(WORDS)) + "and that is all."


def answer_to_tool(told: str) -> str:
    """Return what the stand-in answers to what a tool said."""
    return f"The tool says {told}. " + "".join(f"{number}, " for number in range(WORDS)) + "and I believe it."


class Example:
    """The application, its model, its store and its worker."""

    def __init__(self, system: System, folder: Path, script: str) -> None:
        self.system = system
        self.script = script
        self.model = SiteProcess(EXAMPLE, "uvicorn", "model_server:app", "--port", "PORT", MODEL_PAUSE_S="0.03")
        self.model.wait_until_ready()
        self._environment = {"CHATS_DB": str(folder / "chats.sqlite"), "MODEL_URL": self.model.url}
        self.site = self._serve(0)
        self.work()

    def _serve(self, port: int) -> SiteProcess:
        store = {"TIDINGS_STORE_URL": self.system.store.url}
        command = ("uvicorn", "chat_app:app", "--port", "PORT", "--ws", "websockets-sansio")
        site = SiteProcess(EXAMPLE, *command, port=port, **store, **self._environment)
        site.wait_until_ready()
        return site

    def replace(self) -> None:
        """Have another process serve, at the same address."""
        self.site.process.kill()
        self.site.close()
        self.site = self._serve(self.site.port)

    def work(self) -> None:
        """Start a worker, and return when the server knows its kind."""
        self.system.add_worker("chat_jobs", PYTHONPATH=str(EXAMPLE), **LEASE, **self._environment)
        with httpx.Client(base_url=self.site.url) as client:
            client.get("/")
            until(lambda: '"answer"' in client.get("/tidings/v1/kinds").text)

    def close(self) -> None:
        """End what is no part of the system."""
        self.site.close()
        self.model.close()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp("chats")
    aliases = ["--alias:tidings=./static/tidings.js", "--alias:tidings/ai=./static/ai.js"]
    options = ["--bundle", "--format=esm", "--jsx=automatic", "--log-level=error", f"--outfile={folder / 'page.js'}"]
    subprocess.run(["node_modules/.bin/esbuild", str(EXAMPLE / "page.jsx"), *options, *aliases], cwd=ROOT, check=True)
    with running_system(servers=0, workers=0) as system:
        example = Example(system, folder, (folder / "page.js").read_text())
        yield example
        example.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=scaled(PATIENCE_MS))
    with running_browser() as browser:
        yield browser


@contextmanager
def visitor(browser: Browser, example: Example) -> Iterator[Page]:
    """Open the page with a cookie of its own."""
    context = new_context(browser, base_url=example.site.url)
    context.route("**/page.js", lambda route: route.fulfill(body=example.script, content_type="text/javascript"))
    try:
        page = context.new_page()
        page.goto("/")
        yield page
    finally:
        context.close()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Say something").fill(question)
    page.get_by_role("button", name="Send").click()


def last(page: Page) -> Locator:
    return page.locator('.message[data-role="assistant"] .text').last


def ended(page: Page) -> None:
    expect(page.get_by_label("Say something")).to_be_enabled()


def until_kept(page: Page, words: str) -> None:
    """Wait until the history of the chat has these words: the job keeps its message behind its last part."""
    chat = page.url.partition("#")[2]
    condition = "async ([path, words]) => (await (await fetch(path)).text()).includes(words)"
    page.wait_for_function(condition, arg=[f"/chats/{chat}", words], timeout=scaled(PATIENCE_MS))


def test_an_answer_survives_worker_server_and_reload_and_is_kept(browser: Browser, example: Example) -> None:
    question, seen = "to be?", [""]
    with visitor(browser, example) as page:

        def more(one: Page) -> None:
            most = len(max(seen, key=len))
            condition = "most => [...document.querySelectorAll('.text')].pop()?.textContent.length > most"
            one.wait_for_function(condition, arg=most, timeout=scaled(PATIENCE_MS))
            seen.append(last(one).text_content() or "")

        ask(page, question)
        more(page)
        example.system.workers[-1].process.kill()
        example.work()
        more(page)
        page.reload()
        more(page)
        tab = page.context.new_page()
        tab.goto(page.url)
        more(tab)
        example.replace()
        for one in (page, tab):
            expect(last(one)).to_have_text(answer_to(question))
            ended(one)
            assert last(one).text_content() == answer_to(question)
        assert [text for text in seen if not answer_to(question).startswith(text)] == []
        page.reload()
        expect(page.locator(".message")).to_have_count(2)
        assert page.locator(".message").all_text_contents() == [question, answer_to(question)]
        with visitor(browser, example) as stranger:
            stranger.goto(page.url)
            expect(stranger.get_by_label("Say something")).to_be_enabled()
            assert stranger.locator(".message").count() == 0


@pytest.mark.parametrize("question", ["are you busy?", "will it break?"])
def test_a_model_that_refuses_or_breaks_off_once_costs_no_byte(
    browser: Browser, example: Example, question: str
) -> None:
    with visitor(browser, example) as page:
        ask(page, question)
        expect(last(page)).to_have_text(answer_to(question))
        ended(page)
        assert last(page).text_content() == answer_to(question)


@pytest.mark.parametrize(
    ("button", "state", "told"),
    [
        ("Yes", "output-available", '{"place": "Rome", "sky": "clear"}'),
        ("No", "output-denied", "nothing: the user did not allow it"),
    ],
)
def test_a_tool_waits_for_the_users_consent_without_a_worker_and_a_reload_goes_on_with_the_whole_message(
    browser: Browser, example: Example, button: str, state: str, told: str
) -> None:
    with visitor(browser, example) as page:
        ask(page, "the weather in Rome")
        tool = page.locator(".tool")
        expect(tool).to_have_attribute("data-state", "approval-requested")
        page.reload()  # the question is kept
        tool.get_by_role("button", name=button).click()
        expect(tool).to_have_attribute("data-state", state)
        expect(last(page)).to_contain_text("The tool says ")
        said = last(page).text_content() or ""
        page.reload()  # in the middle of the answer, of which this job says what follows the tool's call
        tab = page.context.new_page()
        tab.goto(page.url)
        for one in (page, tab):
            expect(one.locator(".tool")).to_have_attribute("data-state", state)
            expect(last(one)).to_have_text(answer_to_tool(told))
            ended(one)
        assert said != answer_to_tool(told)
        until_kept(page, "and I believe it.")
        page.reload()
        for one in (page, tab):
            expect(one.locator(".tool")).to_have_attribute("data-state", state)
            expect(last(one)).to_have_text(answer_to_tool(told))
            assert one.locator(".message").count() == 2


def test_an_agent_plans_a_trip_and_a_kill_of_its_worker_costs_no_byte(browser: Browser, example: Example) -> None:
    with visitor(browser, example) as page:
        ask(page, "a trip to Rome")
        expect(last(page)).to_contain_text("The tool says ")
        example.system.workers[-1].process.kill()
        example.work()
        ended(page)
        expect(page.locator(".tool")).to_have_text("The train to Rome leaves at 08:15.")
        assert last(page).text_content() == answer_to_tool('{"to": "Rome", "leaves": "08:15"}')
        calls = httpx.get(f"{example.model.url}/calls").json()
        assert calls["1 a trip to Rome"] == 1


def test_a_stop_keeps_what_was_said(browser: Browser, example: Example) -> None:
    with visitor(browser, example) as page:
        ask(page, "to be stopped")
        expect(last(page)).not_to_be_empty()
        page.get_by_role("button", name="Stop").click()
        ended(page)
        said = last(page).text_content() or ""
        assert answer_to("to be stopped").startswith(said)
        assert said != answer_to("to be stopped")
        chat = page.url.partition("#")[2]
        condition = "async path => (await (await fetch(path)).json()).length === 2"
        page.wait_for_function(condition, arg=f"/chats/{chat}", timeout=scaled(PATIENCE_MS))
