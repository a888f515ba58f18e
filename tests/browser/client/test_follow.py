"""A page with nothing but a grant for a tag follows its jobs, over each transport, and two tabs over one socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.credential import bearer
from support.system import System, system_fixture
from support.timeouts import scaled
from support.web.wall import standing
from tidings_server.auth.api_key import new_key, setting_line

KEY, OTHER = new_key(), new_key()

PAGE = """
<!doctype html><meta charset="utf-8"><output id="transport"></output><output id="end"></output><ol id="jobs"></ol>
<script type="module">
  import { Tidings } from "/static/tidings.js";
  import { sharedSocket } from "/static/shared.js";
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const tidings = new Tidings(new URL("/v1/socket", location.href), SHARED ? { WebSocket: sharedSocket() } : {});
  tidings.on("state", ({ state, transport }) => show("transport", `${state} ${transport}`));
  const follow = tidings.follow("red", { grant: window.grant });
  follow.on("job", (job) => {
    const item = document.getElementById("jobs").appendChild(document.createElement("li"));
    const logs = [];
    item.textContent = job.token;
    job.on("log", ({ data }) => { logs.push(data); item.textContent = `${job.token} ${logs}`; });
    const end = (text) => { item.textContent = `${job.token} ${logs} ${text}`; };
    job.result.then(end, ({ code }) => end(code));
  });
  follow.on("refused", ({ problem }) => show("end", problem.code));
  window.list = async () => {
    const tokens = [];
    for await (const { token } of tidings.jobs({ tag: "red", grant: window.grant })) tokens.push(token);
    return tokens;
  };
</script>
"""

system = system_fixture(
    credential=lambda: KEY,
    server={
        "TIDINGS_AUTH": "api_key",
        "TIDINGS_API_KEYS": ",".join([setting_line("shop", KEY), setting_line("other", OTHER)]),
    },
)


class Shop:
    """The back end: it submits, and gives out grants."""

    def __init__(self, system: System) -> None:
        self._http = httpx.Client(base_url=system.server.url, timeout=scaled(15))
        self.asked = 0
        self.ttl = 600.0

    def submit(self, path: Path, key: str = KEY) -> str:
        body = {"kind": "wait_for_file", "input": {"path": str(path)}, "tags": ["red"]}
        return str(self._http.post("/v1/jobs", json=body, headers=bearer(key)).json()["token"])

    def grant(self) -> str:
        self.asked += 1
        answer = self._http.post("/v1/grants", json={"tag": "red", "ttl": self.ttl}, headers=bearer(KEY))
        return str(answer.json()["grant"])


@pytest.fixture
def shop(system: System) -> Iterator[Shop]:
    shop = Shop(system)
    yield shop
    shop._http.close()


def open_page(context: BrowserContext, url: str, shop: Shop, *, shared: bool = False) -> Page:
    page = context.new_page()
    page.expose_function("grant", shop.grant)
    page.goto(f"{url}/healthz")  # a page of the server's that forbids no script
    page.set_content(PAGE.replace("SHARED", str(shared).lower()))
    return page


@pytest.mark.parametrize(
    ("refused", "transport"),
    [(set(), "websocket"), ({"/v1/socket"}, "sse"), ({"/v1/socket", "/v1/events"}, "long-poll")],
    ids=["socket", "sse", "polls"],
)
def test_a_page_with_a_grant_follows_the_jobs_of_a_tag_and_no_other_s(
    context: BrowserContext, system: System, shop: Shop, tmp_path: Path, refused: set[str], transport: str
) -> None:
    shop.submit(tmp_path / "other", OTHER)
    first = shop.submit(tmp_path / "first")
    with standing(system.server.port) as wall:
        wall.refused = refused
        page = open_page(context, wall.url, shop)
        jobs = page.locator("#jobs li")
        expect(page.locator("#transport")).to_have_text(f"open {transport}")
        expect(jobs).to_have_text([f"{first} waiting"])
        later = shop.submit(tmp_path / "later")
        expect(jobs).to_have_text([f"{first} waiting", f"{later} waiting"])
        (tmp_path / "later").touch()
        expect(jobs).to_have_text([f"{first} waiting", f"{later} waiting found"])
        assert page.evaluate("list()")[:2] == [later, first]
        wall.cut()
        (tmp_path / "first").touch()
        expect(jobs).to_have_text([f"{first} waiting found", f"{later} waiting found"])
    (tmp_path / "other").touch()


def test_two_tabs_of_one_socket_follow_a_tag_over_the_end_of_their_grants(
    context: BrowserContext, system: System, shop: Shop, tmp_path: Path
) -> None:
    shop.ttl = 4.0
    first = shop.submit(tmp_path / "go")
    with standing(system.server.port) as wall:
        tabs = [open_page(context, wall.url, shop, shared=True) for _ in range(2)]
        for tab in tabs:
            expect(tab.locator("#jobs li")).to_have_text([f"{first} waiting"])
        before = shop.asked
        opened = wall.seen.count("/v1/socket")

        def renewed() -> Any:
            return shop.asked >= before + 4

        while not renewed():  # each tab twice
            tabs[0].wait_for_timeout(50)
        later = shop.submit(tmp_path / "go")
        (tmp_path / "go").touch()
        for tab in tabs:
            expect(tab.locator("#jobs li")).to_have_text([f"{first} waiting found", f"{later} waiting found"])
            expect(tab.locator("#end")).to_have_text("")
        assert wall.seen.count("/v1/socket") == opened == 1
