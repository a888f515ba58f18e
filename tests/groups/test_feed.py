"""`GET /v1/feed`: what happens, for programs in any language, from where they were."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from redis.asyncio import Redis

from groups.fleet import Fleet, run, running_fleet
from groups.stage import BOUNDS, KEYS, stage_in
from support.peer import peer
from support.timeouts import scaled
from tidings.protocol.event_pattern import EventPattern
from tidings.store.groups.event_feed import EventFeed, FeedFullError, read_cursor
from tidings.store.redis.store_client import command

Block = dict[str, str]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("feed")) as fleet:
        yield fleet


class Reading:
    """A client of a feed, which reads block by block."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def block(self) -> Block:
        """Return the next block that holds an event."""
        with anyio.fail_after(scaled(15)):
            found: Block = {}
            async for line in self._lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    found[name] = value
                elif not line and "event" in found:
                    return found
        raise AssertionError("the feed has ended")

    async def event(self) -> tuple[str, dict[str, Any]]:
        """Return the `id` and the data of the next event."""
        block = await self.block()
        return block["id"], json.loads(block["data"])


@asynccontextmanager
async def feed(fleet: Fleet, query: str = "", **headers: str) -> AsyncIterator[Reading]:
    async with (
        httpx.AsyncClient(timeout=scaled(20)) as client,
        client.stream("GET", f"{fleet.system.server.url}/v1/feed{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        reading = Reading(answer.aiter_lines())
        assert (await reading.block())["event"] == "open"
        yield reading


async def test_a_feed_tells_what_happens_to_the_kinds_it_names(fleet: Fleet) -> None:
    async with feed(fleet, "?kind=order.placed&event=started&event=succeeded") as reading:
        async with peer(fleet.system.server.socket_url) as client:
            await run(client, "invoice", order="x")
            token = await run(client, "order.placed", text="hello")
        _, started = await reading.event()
        _, ended = await reading.event()
        assert (started["event"], started["data"]) == ("started", {"attempt": 1})
        assert (ended["token"], ended["kind"], ended["data"]) == (token, "order.placed", {"result": "hello"})
        assert ended["id"] == f"{token}:{ended['seq']}"


async def test_a_client_goes_on_from_the_last_id_and_misses_nothing(fleet: Fleet) -> None:
    query = "?kind=order.*"
    async with feed(fleet, query) as reading:
        first = await fleet.end(text="1")
        place, event = await reading.event()
        assert event["token"] == first
    away = [await fleet.end(text="2"), await fleet.end("order.large", size=70_000)]
    async with feed(fleet, query, **{"last-event-id": place}) as reading:
        found = [(await reading.event())[1] for _ in away]
        assert sorted(one["token"] for one in found) == sorted(away)
        large = next(one for one in found if one["kind"] == "order.large")
        assert large["truncated"] is True
        assert "data" not in large
    async with feed(fleet, f"{query}&after=start") as reading:
        tokens: set[str] = set()
        while not tokens >= {first, *away}:
            tokens.add((await reading.event())[1]["token"])


async def test_a_client_that_reads_no_event_resumes_at_the_place_of_the_first_block(fleet: Fleet) -> None:
    async with (
        httpx.AsyncClient(timeout=scaled(20)) as client,
        client.stream("GET", f"{fleet.system.server.url}/v1/feed?kind=invoice") as answer,
    ):
        opened = await Reading(answer.aiter_lines()).block()
    token = await fleet.end("invoice", order="x")
    async with feed(fleet, "?kind=invoice", **{"last-event-id": opened["id"]}) as reading:
        assert (await reading.event())[1]["token"] == token


async def test_on_request_each_event_is_a_cloudevent(fleet: Fleet) -> None:
    async with feed(fleet, "?kind=invoice&format=cloudevents") as reading:
        token = await fleet.end("invoice", order="x", amount=5)
        _, event = await reading.event()
    data = event.pop("data")
    assert event == {
        "specversion": "1.0", "id": data["id"], "source": "urn:tidings:queue:default", "subject": token,
        "type": "tidings.job.succeeded", "time": data["at"], "datacontenttype": "application/json",
    }  # fmt: skip
    assert data["data"] == {"result": 5}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?kind=or der", "/kind"),
        ("?event=ended", "/event"),
        ("?after=there", "/after"),
        ("?after=default=1-1", "/after"),
        ("?format=xml", "/format"),
        ("?kinds=a", "/kinds"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(fleet: Fleet, query: str, field: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{fleet.system.server.url}/v1/feed{query}")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_frame", field)


async def pages(feed: EventFeed) -> tuple[list[str], list[int]]:
    """Return the jobs of all that a feed has, and what it has missed."""
    jobs: list[str] = []
    missed = []
    for queue, page in await feed.read():
        feed.reach(queue, page.position, page.ordinal)
        jobs += [json.loads(event.frame)["token"].rpartition(".")[2] for event in page.events]
        missed.append(page.missed)
    return jobs, missed


def reader(store: Redis, cursor: str = "") -> EventFeed:
    return EventFeed(store, KEYS, [EventPattern.of("*")], BOUNDS, cursor)


async def test_a_late_reader_learns_how_many_events_it_has_missed(store: Redis) -> None:
    async with stage_in(store) as stage:
        first = reader(store)
        await first.follow([stage.partition])
        await stage.finish(2)
        assert len((await pages(first))[0]) == 2
        await stage.finish(5)
        await command(store, "XTRIM", KEYS.events(stage.partition), "MAXLEN", 1)
        later = reader(store, first.cursor)
        await later.follow([stage.partition])
        jobs, missed = await pages(later)
        assert (len(jobs), missed) == (1, [4])


async def test_a_reader_that_comes_after_its_events_were_no_longer_written_learns_that(store: Redis) -> None:
    async with stage_in(store) as stage:
        first = reader(store)
        await first.follow([stage.partition])
        cursor = first.cursor
        await command(store, "DEL", KEYS.group(stage.partition, first.name))  # as an hour later
        await command(store, "HDEL", KEYS.groups(stage.partition), f":{first.name}")
        await anyio.sleep(0.01)
        later = reader(store, cursor)
        await later.follow([stage.partition])
        assert (await pages(later))[1] == [-1]


async def test_a_queue_writes_for_so_many_feeds_and_no_more(store: Redis) -> None:
    async with stage_in(store) as stage:
        for number in range(16):
            await EventFeed(store, KEYS, [EventPattern.of(f"k{number}")], BOUNDS).follow([stage.partition])
        with pytest.raises(FeedFullError):
            await EventFeed(store, KEYS, [EventPattern.of("k16")], BOUNDS).follow([stage.partition])


async def test_a_cursor_is_read_as_it_was_written_and_nothing_else_is_one(store: Redis) -> None:
    feed = reader(store, "a=1-2.3,b=4-5.-1")
    assert feed.cursor == "a=1-2.3,b=4-5.-1"
    for text in ("a", "a=1-2", "a=1-2.3,", "A=1-2.3", "a=1-2.3;b=1-1.1", ",".join(["a=1-2.3"] * 10_000) + "x"):
        with pytest.raises(ValueError, match="is no place in a feed"):
            read_cursor(text)
