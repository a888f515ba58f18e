"""Two users, a back end with an API key, and pages that hold nothing but grants, over each transport."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.credential import bearer
from support.system import System, system_fixture
from support.timeouts import scaled
from support.web.wall import standing
from tidings_server.auth.api_key import new_key, setting_line

KEY = new_key()

PAGE = """
<!doctype html><meta charset="utf-8"><output id="transport"></output>
<output id="own"></output><output id="other"></output>
<script type="module">
  import { Tidings } from "/static/tidings.js";
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const tidings = new Tidings();
  tidings.on("state", ({ transport }) => show("transport", transport));
  const told = (id, job) => job.result.then((text) => show(id, text), ({ code }) => show(id, code));
  told("own", tidings.watch(OWN, { grant: window.grant }));
  window.spy = () => told("other", tidings.watch(OTHER, { grant: window.grant }));
</script>
"""

system = system_fixture(
    credential=lambda: KEY,
    server={"TIDINGS_AUTH": "jwt,api_key", "TIDINGS_JWT_KEY": "k" * 40, "TIDINGS_API_KEYS": setting_line("shop", KEY)},
)


def open_for(context: BrowserContext, url: str, own: str, other: str, grants: list[str]) -> Page:
    """Open the page of one user, whose application gives out fresh grants for the user's job."""
    page = context.new_page()
    page.expose_function("grant", lambda: grants.pop(0) if len(grants) > 1 else grants[0])
    page.goto(f"{url}/healthz")  # a page of the server's that forbids no script
    page.set_content(PAGE.replace("OWN", f'"{own}"').replace("OTHER", f'"{other}"'))
    return page


@pytest.mark.parametrize(
    ("refused", "transport"),
    [(set(), "websocket"), ({"/v1/socket"}, "sse"), ({"/v1/socket", "/v1/events"}, "long-poll")],
    ids=["socket", "sse", "polls"],
)
def test_each_page_follows_its_user_s_job_and_sees_no_other(
    context: BrowserContext, system: System, tmp_path: Path, refused: set[str], transport: str
) -> None:
    back_end = httpx.Client(base_url=system.server.url, headers=bearer(KEY), timeout=scaled(15))
    with back_end, standing(system.server.port) as wall:
        wall.refused = refused
        jobs: dict[str, str] = {}
        grants: dict[str, list[str]] = {}
        for user in ("ann", "bob"):
            asked = {"kind": "wait_for_file", "input": {"path": str(tmp_path / user)}, "grant": {"ttl": 4}}
            ack = back_end.post("/v1/jobs", json=asked).json()
            jobs[user] = ack["token"]
            later = back_end.post("/v1/grants", json={"token": ack["token"]}).json()
            grants[user] = [ack["grant"]["grant"], later["grant"]]
        ann = open_for(context, wall.url, jobs["ann"], jobs["bob"], grants["ann"])
        bob = open_for(context, wall.url, jobs["bob"], jobs["ann"], grants["bob"])
        for page in (ann, bob):
            expect(page.locator("#transport")).to_have_text(transport)
        ann.evaluate("spy()")
        expect(ann.locator("#other")).to_have_text("unknown_token")
        for page, user in ((ann, "ann"), (bob, "bob")):
            (tmp_path / user).touch()
            expect(page.locator("#own")).to_have_text("found")
