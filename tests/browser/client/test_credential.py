"""Credentials from a page, against a server that asks for them."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.system import System, system_fixture
from support.web.wall import standing

KEY = "the secret of this test, longer than 32 bytes"

PAGE = """
<!doctype html><meta charset="utf-8"><output id="state"></output><output id="result"></output>
<script type="module">
  import { Tidings } from "/static/tidings.js";
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const tidings = window.tidings = new Tidings(undefined, { credential });
  tidings.on("state", ({ state, transport }) => show("state", `${state} ${transport}`));
  const { result } = tidings.submit("echo", { text: "hi" });
  result.then((text) => show("result", text), ({ code }) => show("result", code));
</script>
"""


def jwt(lifetime_s: float) -> str:
    """Return a token as an issuer would make it (RFC 7519)."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"sub": "ann", "exp": int(time.time() + lifetime_s), "scope": "submit watch cancel"}
    signed = ".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{part(hmac.digest(KEY.encode(), signed.encode(), hashlib.sha256))}"


system = system_fixture(
    credential=lambda: jwt(3600), server={"TIDINGS_AUTH": "jwt", "TIDINGS_JWT_KEY": KEY, "TIDINGS_JWT_LEEWAY_S": "0"}
)


def open_with(context: BrowserContext, url: str, credentials: list[str], html: str = PAGE) -> Page:
    """Open a page that is given these credentials, one at each time it asks, and then the last again."""
    page = context.new_page()
    page.expose_function("credential", lambda: credentials.pop(0) if len(credentials) > 1 else credentials[0])
    page.goto(f"{url}/healthz")  # a page of the server's that forbids no script
    page.set_content(html)
    return page


@pytest.mark.parametrize(
    "refused", [set(), {"/v1/socket"}, {"/v1/socket", "/v1/events"}], ids=["socket", "sse", "polls"]
)
def test_a_refused_credential_is_followed_by_a_fresh_one(
    context: BrowserContext, system: System, refused: set[str]
) -> None:
    with standing(system.server.port) as wall:
        wall.refused = refused
        page = open_with(context, wall.url, [jwt(-60), jwt(-60), jwt(3600)])
        expect(page.locator("#result")).to_have_text("hi")


def test_a_credential_that_runs_out_is_replaced_on_the_same_socket(context: BrowserContext, system: System) -> None:
    credentials = [jwt(5), jwt(3600)]
    page = open_with(context, system.server.url, credentials)
    expect(page.locator("#state")).to_have_text("open websocket")
    page.evaluate("""
      window.states = [];
      tidings.on("state", ({ state }) => states.push(state));
    """)
    page.wait_for_function("until => Date.now() > until", arg=1000 * (time.time() + 6))  # the first has run out by then
    assert page.evaluate("states") == []
    assert len(credentials) == 1
    page.evaluate("tidings.submit('echo', { text: 'later' }).result.then((text) => { window.later = text; })")
    page.wait_for_function("window.later === 'later'")


SHARED = PAGE.replace(
    "undefined, { credential }", 'new URL("/v1/socket", location.href), { WebSocket: sharedSocket({ credential }) }'
).replace(
    'import { Tidings } from "/static/tidings.js";',
    'import { Tidings } from "/static/tidings.js"; import { sharedSocket } from "/static/shared.js";',
)


def test_tabs_that_share_a_socket_are_asked_for_the_credential(context: BrowserContext, system: System) -> None:
    for credentials in ([jwt(-60), jwt(3600)], [jwt(3600)]):
        page = open_with(context, system.server.url, credentials, SHARED)
        expect(page.locator("#result")).to_have_text("hi")
