"""The real `useChat` in a real browser, by our transport and by the SDK's own, whatever fails meanwhile."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.context import new_context
from support.system import System, running_system
from support.timeouts import scaled
from support.web.chromium import PATIENCE_MS, running_browser
from support.web.wall import standing

ROOT = Path(__file__).parents[2]
KINDS = str(ROOT / "tests" / "support" / "handlers" / "chat_kinds.py")
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}
HTML = '<!doctype html><meta charset="utf-8"><body><script type="module" src="/page.js"></script></body>'

TRANSPORTS = pytest.mark.parametrize("transport", ["tidings", "default"])


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS, **QUICK)
        for _ in range(2):
            system.add_server(**QUICK)
        yield system


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("page") / "page.js"
    options = ["--bundle", "--format=esm", "--jsx=automatic", "--define:process.env.NODE_ENV='development'"]
    names = {"tidings": "static/tidings.js", "tidings/ai": "static/ai.js"}
    aliases = [f"--alias:{name}=./{path}" for name, path in names.items()]
    page = str(Path(__file__).with_name("page.jsx"))
    command = ["node_modules/.bin/esbuild", page, f"--outfile={out}", "--log-level=error", *options, *aliases]
    subprocess.run(command, cwd=ROOT, check=True)
    return out.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=scaled(PATIENCE_MS))
    with running_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, script: str) -> Iterator[BrowserContext]:
    context = new_context(browser)
    context.route("**/chat-page?*", lambda route: route.fulfill(body=HTML, content_type="text/html"))
    context.route("**/page.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    yield context
    context.close()


def opened(context: BrowserContext, url: str, kind: str, transport: str, chat: str, **body: Any) -> Page:
    page = context.new_page()
    query = {"chat": chat, "transport": transport, "kind": kind, "body": json.dumps(body)}
    page.goto(f"{url}/chat-page?{urlencode(query)}")
    expect(page.locator("#status")).to_have_text("ready")
    return page


def text(page: Page) -> str:
    return page.locator("#text").text_content() or ""


class Texts:
    """What pages have shown of a message."""

    def __init__(self) -> None:
        self.seen = [""]

    def more(self, page: Page) -> None:
        """Return when a page shows more than any has shown before."""
        most = len(max(self.seen, key=len))
        page.wait_for_function(
            "most => document.querySelector('#text')?.textContent.length > most", arg=most, timeout=scaled(PATIENCE_MS)
        )
        self.seen.append(text(page))


@TRANSPORTS
def test_a_message_is_right_to_the_byte_whatever_happens(
    context: BrowserContext, system: System, transport: str
) -> None:
    chat, texts = uuid.uuid4().hex, Texts()
    with standing(system.server.port) as wall:
        page = opened(context, wall.url, "slow", transport, chat, words=150)
        page.get_by_role("button", name="Ask").click()
        texts.more(page)
        system.workers[-1].process.kill()
        system.add_worker(KINDS, **QUICK)
        texts.more(page)
        page.reload()
        texts.more(page)
        tab = opened_running(context, wall.url, transport, chat)
        texts.more(tab)
        wall.target = system.servers[1].port
        wall.cut()
        for one in (page, tab):
            texts.more(one)
        for one in (page, tab):
            expect(one.locator("#status")).to_have_text("ready")
        job = system.server.get(f"/v1/jobs/{page.locator('#message').text_content()}")[1]
        whole = next(part["text"] for part in job["result"]["parts"] if part["type"] == "text")
        assert len(whole.split()) == 450
        assert job["attempt"] == 2
        for one in (page, tab):
            assert text(one) == whole
            assert one.locator("#types").text_content() == "step-start text"
        assert [seen for seen in texts.seen if not whole.startswith(seen)] == []


def opened_running(context: BrowserContext, url: str, transport: str, chat: str) -> Page:
    page = context.new_page()
    page.goto(f"{url}/chat-page?{urlencode({'chat': chat, 'transport': transport, 'kind': 'slow'})}")
    return page


@TRANSPORTS
def test_an_unmount_leaves_the_job_alone_and_a_stop_ends_it(
    context: BrowserContext, system: System, transport: str
) -> None:
    page = opened(context, system.server.url, "slow", transport, uuid.uuid4().hex, words=100_000)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#text")).not_to_be_empty()
    message = page.locator("#message").text_content()
    page.get_by_role("button", name="Toggle").click()
    assert system.server.get(f"/v1/jobs/{message}")[1]["status"] == "running"
    page.get_by_role("button", name="Toggle").click()
    expect(page.locator("#text")).not_to_be_empty()  # it resumes
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#status")).to_have_text("ready")
    page.wait_for_function(
        "async path => (await (await fetch(path)).json()).status === 'cancelled'", arg=f"/v1/jobs/{message}"
    )


@pytest.mark.parametrize(("steps", "other"), [(1, False), (2, False), (1, True)])
def test_our_transport_takes_back_what_is_void(
    context: BrowserContext, system: System, tmp_path: Path, steps: int, other: bool
) -> None:
    system.add_worker(KINDS, **QUICK)
    body = {"path": str(tmp_path / "flag"), "steps": steps, "other": other}
    page = opened(context, system.server.url, "dies", "tidings", uuid.uuid4().hex, **body)
    page.get_by_role("button", name="Ask").click()
    said = "Another be, or not to bé 🙂" if other else "To be, or not to bé 🙂"
    expect(page.locator("#status")).to_have_text("ready")
    page.wait_for_function(
        "text => document.querySelector('#text').textContent === text",
        arg=said * steps,
    )
    assert page.locator("#types").text_content() == " ".join(["step-start text"] * steps)
