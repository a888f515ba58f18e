"""A stream that begins again from nothing in its middle is right to the byte in a page, over each transport."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from support.stream_kinds import spoken
from support.system import System, running_system
from support.web.wall import standing
from tidings import SyncClient

KINDS = str(Path(__file__).parents[2] / "support" / "stream_kinds.py")
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}

PAGE = """
<!doctype html><meta charset="utf-8"><output id="transport"></output><output id="end"></output><pre id="text"></pre>
<script type="module">
  import { Tidings } from "/static/tidings.js";
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const tidings = new Tidings(new URL("/v1/socket", location.href));
  tidings.on("state", ({ transport }) => show("transport", transport));
  const job = tidings.watch(TOKEN);
  window.seen = [];
  job.on("stream", () => { window.seen.push(job.text()); show("text", job.text()); });
  job.result.then((result) => { window.result = result; window.text = job.text(); show("end", "over"); });
</script>
"""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS, **QUICK)
        for _ in range(2):
            system.add_server(**QUICK)
        yield system


@pytest.mark.parametrize(
    ("refused", "transport"),
    [(set(), "websocket"), ({"/v1/socket"}, "sse"), ({"/v1/socket", "/v1/events"}, "long-poll")],
    ids=["socket", "sse", "polls"],
)
def test_a_stream_that_begins_again_from_nothing_is_right_to_the_byte(
    context: BrowserContext, system: System, tmp_path: Path, refused: set[str], transport: str
) -> None:
    first, second = ("".join(spoken(attempt)) for attempt in (1, 2))
    with SyncClient(system.server.url) as client, standing(system.server.port) as wall:
        token = client.submit("speaks_anew", path=str(tmp_path / "go")).token
        wall.refused = refused
        page = context.new_page()
        page.goto(f"{wall.url}/healthz")  # a page of the server's that forbids no script
        page.set_content(PAGE.replace("TOKEN", f'"{token}"'))
        expect(page.locator("#transport")).to_have_text(transport)
        text = page.locator("#text")
        expect(text).to_have_text("".join(spoken(1)[:30]))
        system.workers[-1].process.kill()
        system.add_worker(KINDS, **QUICK)
        expect(text).to_have_text("".join(spoken(2)[:30]))
        wall.target = system.servers[1].port
        wall.cut()
        (tmp_path / "go2").touch()
        expect(page.locator("#end")).to_have_text("over")
        seen: list[str] = page.evaluate("seen")
        assert page.evaluate("[result, text]") == [second, second]
        assert [one for one in seen if not first.startswith(one) and not second.startswith(one)] == []
        turn = next(number for number, one in enumerate(seen) if one.startswith("2"))
        assert not any(one.startswith("1") for one in seen[turn:]), "what is void comes back"
