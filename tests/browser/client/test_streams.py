"""A card shows a stream right to the byte: after a reload, in another tab, at another server, when a worker dies."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from browser.conftest import DEMO
from support.system import System, running_system
from support.web.wall import standing

QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(DEMO, TIDINGS_DEMO_CACHE=str(tmp_path_factory.mktemp("demo")), **QUICK)
        for _ in range(2):
            system.add_server(TIDINGS_PAGE="demo", **QUICK)
        yield system


class Reader:
    """Reads what a page shows of a stream, and keeps what it has seen."""

    seen: list[str]

    def __init__(self) -> None:
        self.seen = [""]

    def more(self, page: Page) -> None:
        """Return when a page shows more than any has shown before, or, on a slow machine, all of it."""
        before = len(max(self.seen, key=len))
        expect(text(page)).not_to_be_empty()
        ended = page.locator('li.job[data-state="succeeded"]')
        while len(self.seen[-1]) <= before and not ended.count():
            self.seen.append(text(page).text_content() or "")
            page.wait_for_timeout(20)


def text(page: Page) -> Locator:
    return page.get_by_role("region", name="Stream text")


def open_page(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.locator('.connection[data-state="open"]').wait_for()
    return page


def test_a_streamed_text_is_right_to_the_byte_whatever_happens(context: BrowserContext, system: System) -> None:
    read = Reader()
    with standing(system.server.port) as wall:
        page = open_page(context, wall.url)
        form = page.get_by_role("form", name="Stream a text")
        form.get_by_label("Words").fill("300")
        form.get_by_role("button", name="Stream it").click()
        read.more(page)
        system.workers[0].process.kill()
        system.add_worker(DEMO, **QUICK)
        read.more(page)
        page.reload()
        read.more(page)
        tab = open_page(context, wall.url)
        read.more(tab)
        wall.target = system.servers[1].port
        wall.cut()
        for one in (page, tab):
            read.more(one)
        cards = [one.locator("li.job") for one in (page, tab)]
        for card in cards:
            expect(card).to_have_attribute("data-state", "succeeded")
        job = system.servers[1].get(f"/v1/jobs/{cards[0].get_attribute('data-token')}")[1]
        assert job["attempt"] == 2
        for one in (page, tab):
            expect(text(one)).to_have_text(job["result"])  # the page may paint the end after the state
            assert text(one).text_content() == job["result"]
        assert len(job["result"].split()) == 300
        assert [seen for seen in read.seen if not job["result"].startswith(seen)] == []
