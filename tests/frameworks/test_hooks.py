"""The components of the guides for React, Vue and Svelte, with the real frameworks in a real browser and in Node."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from browser.context import new_context
from support.system import System, running_system
from support.timeouts import scaled
from tidings import SubmitOptions, SyncClient
from tidings_server.auth.api_key import new_key, setting_line

ROOT = Path(__file__).parents[2]
HOOKS = Path(__file__).with_name("hooks")
KEY = new_key()
WORDS = """
from pathlib import Path

import anyio
from tidings import job


@job
async def count_words(text: str, path: str = "") -> dict[str, int]:
    while path and not Path(path).exists():
        await anyio.sleep(0.02)
    return {"words": len(text.split())}
"""


class Framework(NamedTuple):
    """A framework, and what is made of the components of its guide."""

    name: str
    entry: str
    server: str


FRAMEWORKS = (
    Framework("react", "react.jsx", "react.server.jsx"),
    Framework("vue", "vue.js", "vue.server.js"),
    Framework("svelte", "svelte.js", "svelte.server.js"),
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    jobs = tmp_path_factory.mktemp("jobs") / "words.py"
    jobs.write_text(WORDS)
    with running_system(servers=0, workers=0) as system:
        system.add_worker(str(jobs))
        system.add_server(KEY, TIDINGS_AUTH="api_key", TIDINGS_API_KEYS=setting_line("page", KEY, ()))
        yield system


@pytest.fixture(scope="module", params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    found: Framework = request.param
    return found


@pytest.fixture(scope="module")
def built(framework: Framework, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Return a page's script, and a program that renders on a server."""
    folder = tmp_path_factory.mktemp(framework.name) / "app"
    shutil.copytree(HOOKS, folder)
    guide = (ROOT / f"docs/how-to/{framework.name}.md").read_text()
    for component in re.findall(r"```(?:tsx|vue|svelte)\n(.*?)```", guide, re.DOTALL):
        (name,) = re.findall(r"// (\w+\.\w+)$", component, re.MULTILINE)
        (folder / name).write_text(component)
    script, program = folder / "script.js", folder / "program.mjs"
    for entry, out, platform in ((framework.entry, script, "browser"), (framework.server, program, "node")):
        command = ["node", str(HOOKS / "build.mjs"), str(folder / entry), str(out), platform]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "NODE_MODULES": str(ROOT / "node_modules")})
    return script.read_text(), program


class Shop:
    """A back end: it submits jobs with a tag, and gives out grants for the tag."""

    def __init__(self, system: System) -> None:
        self.client = SyncClient(system.server.url, credential=KEY, timeout=scaled(30))

    def submit(self, text: str, path: Path | str = "") -> str:
        options = SubmitOptions(tags=["report"], watch=False)
        return self.client.submit("count_words", {"text": text, "path": str(path)}, options=options).token

    def grant(self, ttl: float = 600) -> str:
        return self.client.grant(tag="report", ttl=ttl).grant


@pytest.fixture(scope="module")
def shop(system: System) -> Iterator[Shop]:
    shop = Shop(system)
    with shop.client:
        yield shop


def job_with_grant(system: System) -> tuple[str, str]:
    with SyncClient(system.server.url, credential=KEY, timeout=scaled(30)) as client:
        handle = client.submit("count_words", {"text": "a b c d"}, grant=True)
        assert handle.grant is not None
        return handle.token, handle.grant.grant


@contextmanager
def opened(browser: Browser, system: System, script: str, **given: object) -> Iterator[tuple[Page, list[str]]]:
    """Open a page of the components; yield it, and the frames that it sends. No error may go uncaught."""
    context = new_context(browser, base_url=system.server.url)
    try:
        page = context.new_page()
        errors: list[str] = []
        sent: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))

        def follow(socket: WebSocket) -> None:
            socket.on("framesent", lambda frame: sent.append(json.loads(frame)["type"]))

        page.on("websocket", follow)
        page.goto("/healthz")  # a page of the server's that forbids no script
        page.set_content("<!doctype html><body></body>")
        page.evaluate("(given) => { window.given = given; }", given)
        page.add_script_tag(content=script, type="module")
        yield page, sent
        assert errors == []
    finally:
        context.close()


def test_a_page_submits_once_for_a_double_click_and_when_it_mounts_twice(
    browser: Browser, system: System, built: tuple[str, Path]
) -> None:
    with opened(browser, system, built[0], key=KEY, text="to be", token=None, grant="") as (page, sent):
        expect(page.locator("#at-once")).to_have_text("3")
        # Both before the ack, however slow the machine is.
        page.get_by_role("button", name="Count").evaluate("(button) => { button.click(); button.click(); }")
        expect(page.locator("output")).to_have_text("2 words")
        assert sent.count("submit") == 2  # one of the click, one of the mount
        expect(page.get_by_role("progressbar", name="no job")).to_be_visible()


def test_a_refused_submission_is_shown_and_so_is_a_refused_grant(
    browser: Browser, system: System, built: tuple[str, Path]
) -> None:
    token, _ = job_with_grant(system)
    with opened(browser, system, built[0], key=KEY, text=1, token=token, grant="tdg_forged") as (page, _):
        expect(page.get_by_role("alert")).to_have_text(re.compile("^(unauthenticated|forbidden|unknown_token)$"))
        page.get_by_role("button", name="Count").click()
        expect(page.locator("output")).to_have_text("invalid_input")


def test_a_page_with_nothing_but_a_grant_follows_a_job_and_comes_back(
    browser: Browser, system: System, built: tuple[str, Path]
) -> None:
    token, grant = job_with_grant(system)
    with opened(browser, system, built[0], text="a", token=token, grant=grant) as (page, sent):
        expect(page.get_by_text("4 words")).to_be_visible()
        assert "submit" not in sent
        for _ in range(2):
            page.get_by_role("button", name="Toggle").click()
        expect(page.get_by_text("4 words")).to_be_visible()


def test_a_list_of_jobs_lives_and_ends_with_its_component(
    browser: Browser, system: System, shop: Shop, built: tuple[str, Path], tmp_path: Path
) -> None:
    shop.submit("a b c", tmp_path / "first")
    with opened(browser, system, built[0], grant=shop.grant(), list=True) as (page, sent):
        rows = page.locator("li")
        expect(rows).to_have_text(["running"])
        shop.submit("a b")
        expect(rows).to_have_text(["2 words", "running"])
        (tmp_path / "first").touch()
        expect(rows).to_have_text(["2 words", "3 words"])
        assert sent.count("follow") == 1  # though strict mode mounts it twice
        page.get_by_role("button", name="Toggle").click()
        expect(rows).to_have_count(0)
        later = shop.submit("a", tmp_path / "later")
        page.get_by_role("button", name="Toggle").click()
        expect(rows).to_have_text(["running"])
        asked = [frame for frame in sent if frame in ("follow", "unfollow", "watch", "submit")]
        assert asked == ["follow", "unfollow", "follow"], later
        (tmp_path / "later").touch()
        expect(rows).to_have_text(["1 words"])


def test_a_grant_for_a_list_that_is_refused_or_runs_out_is_shown(
    browser: Browser, system: System, shop: Shop, built: tuple[str, Path], tmp_path: Path, framework: Framework
) -> None:
    with opened(browser, system, built[0], grant="tdg_forged", key=KEY, list=True) as (page, _):
        expect(page.get_by_role("alert")).to_have_text(re.compile("^(unauthenticated|forbidden)$"))
    shop.submit("a b c", tmp_path / "go")
    with opened(browser, system, built[0], grant=shop.grant(ttl=1), list=True) as (page, _):
        if framework.name != "svelte":  # whose guide gives a callback, which the client asks again
            expect(page.get_by_role("alert")).to_have_text("grant_expired")
        if framework.name != "vue":
            page.wait_for_function("typeof window.renew === 'function'")
            page.evaluate("(grant) => window.renew(grant)", shop.grant())
            expect(page.locator("li")).to_have_text(["running"])
            expect(page.get_by_role("alert")).to_have_count(0)
    (tmp_path / "go").touch()


def test_a_server_renders_it_without_a_connection_and_a_missing_client_is_named(built: tuple[str, Path]) -> None:
    done = subprocess.run(["node", str(built[1])], capture_output=True, text=True, check=False, timeout=scaled(60))
    assert done.returncode == 0, done.stderr
    assert "<output>" in done.stdout
    assert "no job" in done.stdout
    assert re.search(r'aria-busy="?true"?', done.stdout)
    assert "there is no Tidings client here" in done.stdout
