"""Tabs of one browser that share a connection."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.system import System
from support.web.wall import Wall, standing

PAGE = """
<!doctype html><meta charset="utf-8"><output id="state"></output><output id="job"></output>
<script type="module">
  import { Tidings } from "/static/tidings.js";
  import { sharedSocket } from "/static/shared.js";
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const tidings = new Tidings(new URL("/v1/socket", location.href), { WebSocket: sharedSocket() });
  tidings.on("state", ({ state, transport }) => show("state", `${state} ${transport}`));
  window.follow = (job) => {
    window.job = job;
    job.on("log", ({ data }) => show("job", data));
    job.result.then((result) => show("job", result), ({ code }) => show("job", code));
    return job.accepted;
  };
  window.tidings = tidings;
</script>
"""


@pytest.fixture
def wall(system: System) -> Iterator[Wall]:
    with standing(system.server.port) as wall:
        yield wall


def open_tab(context: BrowserContext, wall: Wall) -> Page:
    """Open one more tab; return when it is connected."""
    page = context.new_page()
    page.goto(f"{wall.url}/healthz")  # a page of the server's that forbids no script
    page.set_content(PAGE)
    expect(page.locator("#state")).to_have_text("open websocket")
    return page


def submit(page: Page, kind: str, **value: object) -> str:
    token: str = page.evaluate("([kind, input]) => follow(tidings.submit(kind, input))", [kind, value])
    return token


def watch(page: Page, token: str) -> None:
    page.evaluate("token => follow(tidings.watch(token))", token)


def test_two_tabs_follow_a_job_over_one_socket(context: BrowserContext, wall: Wall, tmp_path: Path) -> None:
    one, other = open_tab(context, wall), open_tab(context, wall)
    token = submit(one, "wait_for_file", path=str(tmp_path / "go"))
    watch(other, token)
    for tab in (one, other):
        expect(tab.locator("#job")).to_have_text("waiting")
    (tmp_path / "go").touch()
    for tab in (one, other):
        expect(tab.locator("#job")).to_have_text("found")
    assert wall.seen.count("/v1/socket") == 1


def test_a_break_is_every_tab_s_and_a_tab_that_closes_breaks_no_other(
    context: BrowserContext, wall: Wall, tmp_path: Path
) -> None:
    one, other = open_tab(context, wall), open_tab(context, wall)
    token = submit(one, "wait_for_file", path=str(tmp_path / "go"))
    watch(other, token)
    expect(other.locator("#job")).to_have_text("waiting")
    one.close()
    wall.cut()
    (tmp_path / "go").touch()
    expect(other.locator("#job")).to_have_text("found")


def test_refusals_and_cancels_reach_the_tab_that_asked(context: BrowserContext, wall: Wall, tmp_path: Path) -> None:
    page = open_tab(context, wall)
    page.evaluate("follow(tidings.submit('echo', { text: 3 })).catch(() => {})")
    expect(page.locator("#job")).to_have_text("invalid_input")
    page.evaluate("follow(tidings.watch('default.nothing'))")
    expect(page.locator("#job")).to_have_text("unknown_token")
    submit(page, "wait_for_file", path=str(tmp_path / "never"))
    expect(page.locator("#job")).to_have_text("waiting")
    page.evaluate("job.cancel()")
    expect(page.locator("#job")).to_have_text("cancelled")


def test_where_sockets_are_refused_the_tabs_share_a_stream(context: BrowserContext, wall: Wall, tmp_path: Path) -> None:
    wall.refused = {"/v1/socket"}
    one, other = open_tab(context, wall), open_tab(context, wall)
    token = submit(one, "wait_for_file", path=str(tmp_path / "go"))
    watch(other, token)
    expect(other.locator("#job")).to_have_text("waiting")
    (tmp_path / "go").touch()
    expect(one.locator("#job")).to_have_text("found")
    expect(other.locator("#job")).to_have_text("found")
