"""Deliveries to webhooks in the console: what operators see of them, and what the buttons do."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.webhook import new_secret
from webhook.receiver import Answer, Receiver, running_receiver

system = system_fixture(
    str(Path(__file__).parents[2] / "webhook" / "webhook_kinds.py"),
    worker={
        "TIDINGS_WEBHOOKS": "true",
        "TIDINGS_WEBHOOK_SECRETS": new_secret(),
        "TIDINGS_WEBHOOK_BACKOFF_S": "0.05",
        "TIDINGS_HEARTBEAT_S": "0.5",
    },
    both={"TIDINGS_WEBHOOK_HTTP": "true", "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1"},
)

IN_SIGHT = "one => one.getBoundingClientRect().right <= one.closest('.rows').getBoundingClientRect().right"
"""Whether something in a long table is seen without scrolling sideways, on a desk."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as found:
        yield found


@pytest.fixture
def console(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/console#/webhooks")
    page.locator('.connection[data-state="open"]').wait_for()
    yield page
    assert errors == []


def submit(system: System, receiver: Receiver) -> str:
    body = {"kind": "work", "input": {"text": "a"}, "webhook": {"url": receiver.url + "/in"}}
    answer = httpx.post(system.server.url + "/v1/jobs", json=body, timeout=scaled(30))
    return str(answer.json()["token"])


def row_of(page: Page, text: str, table: str = "Deliveries to webhooks") -> Locator:
    return page.get_by_role("table", name=table).get_by_role("row").filter(has_text=text)


def choose(page: Page, state: str) -> None:
    page.get_by_role("search", name="Deliveries").get_by_label("Deliveries").select_option(state)


def answer(page: Page, name: str) -> None:
    page.get_by_role("alertdialog").get_by_role("button", name=name, exact=True).click()


def test_a_dead_delivery_shows_the_last_answer_and_is_tried_again(
    system: System, console: Page, receiver: Receiver
) -> None:
    receiver.plan = lambda _: Answer(500, body=b"<b>down</b>")
    token = submit(system, receiver)
    receiver.wait_for(2)
    choose(console, "dead")
    row = row_of(console, token)
    expect(row).to_contain_text("500 <b>down</b>")
    expect(row.locator(".chip")).to_have_text("dead")
    receiver.plan = lambda _: Answer()
    row.get_by_role("button", name="Try again").click()
    answer(console, "Cancel")
    row.get_by_role("button", name="Try again").click()
    answer(console, "Try again")
    expect(console.locator(".toast-text", has_text="It is tried again.")).to_be_visible()
    assert len(receiver.wait_for(3)) == 3
    choose(console, "done")
    expect(row_of(console, token).locator(".chip")).to_have_text("delivered")
    console.goto("/console#/audit")
    lines = console.get_by_role("table", name="What operators did").get_by_role("row")
    expect(lines.filter(has_text="webhook_replay")).to_have_count(1)


def test_a_host_is_paused_its_delivery_dropped_and_the_host_resumed(
    system: System, console: Page, receiver: Receiver
) -> None:
    submit(system, receiver)
    receiver.wait_for(1)
    place = f"127.0.0.1:{receiver.port}"
    httpx.post(system.server.url + "/v1/admin/webhooks/pause", json={"place": place}, timeout=scaled(30))
    token = submit(system, receiver)
    host = row_of(console, place, "Hosts to which deliveries go")
    expect(host).to_contain_text("paused by an operator")
    row = row_of(console, token)
    expect(row.locator(".chip")).to_have_text("waiting")
    host.get_by_role("button", name=f"Resume: {place}").click()
    assert len(receiver.wait_for(2)) == 2
    kept = submit(system, receiver)  # so that the host has something, and stays in the table
    receiver.plan = lambda _: Answer(503, {"retry-after": "3000"})
    waiting = submit(system, receiver)
    receiver.wait_for(4)
    expect(row_of(console, waiting).locator(".chip")).to_have_text("waiting")
    host.get_by_role("button", name=f"Pause: {place}").click()
    answer(console, "Pause")
    expect(host).to_contain_text("paused by an operator")
    drop = row_of(console, waiting).get_by_role("button", name="Drop")
    assert drop.evaluate(IN_SIGHT), "an action lies beyond the edge"
    drop.click()
    answer(console, "Drop")
    expect(console.locator(".toast-text", has_text="It is dropped.")).to_be_visible()
    expect(row_of(console, waiting)).to_have_count(0)
    assert kept != waiting
    assert len(receiver.received) == 4


def test_a_worker_shows_what_it_delivers(console: Page) -> None:
    console.goto("/console#/workers")
    card = console.get_by_role("list", name="Workers").get_by_role("listitem").first
    expect(card).to_contain_text("delivers")
    expect(card).to_contain_text("0 of 500")
