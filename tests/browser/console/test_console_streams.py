"""The console shows what a job says in its streams, as it comes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.stream_kinds import WORDS
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings import SyncClient

KINDS = str(Path(__file__).parents[2] / "support" / "stream_kinds.py")

system = system_fixture(KINDS)


@pytest.fixture
def client(system: System) -> Iterator[SyncClient]:
    with SyncClient(system.server.url) as client:
        yield client


@pytest.fixture
def console(context: BrowserContext) -> Iterator[Page]:
    """A page; an error in it fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


def test_a_stream_is_shown_as_it_comes_with_its_attempt_and_what_a_later_one_keeps(
    console: Page, client: SyncClient, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    token = client.submit("begins_again", path=str(go)).token
    console.goto(f"/console#/jobs/{token}")
    streams = console.get_by_role("region", name="Streams")
    text = streams.get_by_role("group", name="Stream main")
    expect(text).to_have_text("".join(WORDS[:3]))
    expect(streams).to_contain_text("attempt 1, 3 chunks")
    go.touch()
    expect(text).to_have_text("".join(WORDS))
    expect(streams).to_contain_text("attempt 2, 6 chunks")
    expect(streams).to_contain_text("Attempt 2 began it again, behind 1 chunk that it keeps.")


def test_of_a_long_stream_the_end_is_shown_and_of_a_job_without_streams_nothing(
    console: Page, client: SyncClient
) -> None:
    handle = client.submit("fast", count=20_000)
    handle.result(timeout=scaled(30))
    console.goto(f"/console#/jobs/{handle.token}")
    streams = console.get_by_role("region", name="Streams")
    expect(streams).to_contain_text("attempt 1, 20,000 chunks")
    expect(streams).to_contain_text("chunks are not shown.")
    shown = streams.get_by_role("group", name="Stream main").text_content() or ""
    assert 15_000 < len(shown) <= 20_000
    assert ("0123456789" * 2_000).endswith(shown)
    other = client.submit("keeps_too_much")
    console.goto(f"/console#/jobs/{other.token}")
    expect(console.get_by_role("region", name="Problem")).to_contain_text("keep(1)")
    expect(streams).to_be_hidden()
