"""The feed of followed tags, with a subscription of which a test decides what it hears."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest
from redis.asyncio import Redis

from owned.test_index import DONE, FAILED, KEYS, Lists, lists
from support.store import StoreProcess
from support.timeouts import scaled
from tidings.protocol.tokens import Token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis.channels import subscription_to
from tidings.store.redis.store_client import command, open_store
from tidings_server.follow.tag_feed import Follower, TagFeed


class Ear(Follower):
    """A follower that remembers."""

    def __init__(self) -> None:
        self.heard: list[Token] = []
        self.again: list[Token] = []
        self.news = asyncio.Event()

    def found(self, tokens: Sequence[Token], *, lives_again: bool = False) -> None:
        self.heard += tokens
        if lives_again:
            self.again += tokens
        self.news.set()

    async def until(self, *tokens: Token) -> None:
        """Return when it has been told of these jobs."""
        with anyio.fail_after(scaled(15)):
            while not set(tokens) <= set(self.heard):
                self.news.clear()
                await self.news.wait()


class Feed:
    """A feed, and whether what the subscription brings reaches it."""

    def __init__(self, store: Redis, listening: Redis, world: Lists) -> None:
        self.deaf = False
        self.subscription = subscription_to(listening, store, KEYS.probe("x"), self._hear, lambda: None)
        self.partitions = {"p"}
        self.feed = TagFeed(self.subscription, world.owned, KEYS, self.partitions)

    def _hear(self, channel: str, data: bytes) -> None:
        if channel in self.feed.channels and not self.deaf:
            self.feed.hear(channel, data)


@asynccontextmanager
async def feeding(store: Redis, url: str) -> AsyncIterator[tuple[Feed, Lists]]:
    listening = open_store(url, timeout=None)
    async with lists(store) as world, anyio.create_task_group() as tasks:
        one = Feed(store, listening, world)
        tasks.start_soon(one.subscription.run)
        tasks.start_soon(one.feed.run)
        await anyio.lowlevel.checkpoint()
        yield one, world
        tasks.cancel_scope.cancel()
    await listening.aclose()


async def test_a_follower_hears_of_each_job_of_its_tag_and_owner(store: Redis, store_process: StoreProcess) -> None:
    async with feeding(store, store_process.url) as (one, world):
        before = await world.submit(tags="a red b")
        ear = Ear()
        found = await one.feed.join("alice", "red", ear)
        assert found.tokens == [before]
        await world.submit("bob", tags="red")
        await world.submit(tags="reddish")
        await world.submit("alice:3", tags="red")
        later = await world.submit(tags="red")
        await ear.until(later)
        assert ear.heard == [later]


async def test_a_job_that_comes_and_ends_before_its_channel_is_heard_is_found(
    store: Redis, store_process: StoreProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with feeding(store, store_process.url) as (one, world):
        await world.submit(tags="red")
        await world.end()
        early: list[Token] = []
        add = one.subscription.add

        async def slowly(*channels: str) -> None:
            await anyio.sleep(0.002)  # the store tells its time in whole milliseconds
            early.append(await world.submit(tags="red"))
            await world.end()
            await add(*channels)

        monkeypatch.setattr(one.subscription, "add", slowly)
        found = await one.feed.join("alice", "red", Ear())
        assert found.tokens == early


async def test_what_was_submitted_and_what_ended_while_nothing_was_heard_is_found_afterwards(
    store: Redis, store_process: StoreProcess
) -> None:
    async with feeding(store, store_process.url) as (one, world):
        ear = Ear()
        await one.feed.join("alice", "red", ear)
        one.deaf = True
        one.feed.lost()
        ended = await world.submit(tags="red")
        await world.end(DONE)
        lives = await world.submit(tags="red")
        one.deaf = False
        one.feed.reopened()
        await ear.until(ended, lives)


async def test_a_job_that_ended_long_ago_is_not_found_again(store: Redis, store_process: StoreProcess) -> None:
    async with feeding(store, store_process.url) as (one, world):
        old = await world.submit(tags="red")
        await world.end(DONE)
        await command(store, "HSET", KEYS.job("p", old.id), "finished", 1_700_000_000_000)
        ear = Ear()
        assert (await one.feed.join("alice", "red", ear)).tokens == []
        one.feed.reopened()
        lives = await world.submit(tags="red")
        await ear.until(lives)
        assert old not in ear.heard


async def test_a_job_that_is_replayed_is_one_that_lives_again(store: Redis, store_process: StoreProcess) -> None:
    async with feeding(store, store_process.url) as (one, world):
        dead = await world.submit(tags="red")
        await world.end(FAILED)
        ear = Ear()
        await one.feed.join("alice", "red", ear)
        letters = DeadLetters(store, KEYS, "p")
        await letters.replay([(await letters.find(dead.id))[dead.id].entry])
        await ear.until(dead)
        assert ear.again == [dead]


async def test_a_queue_that_comes_later_is_followed_too_also_where_the_store_does_not_confirm_it_at_first(
    store: Redis, store_process: StoreProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unconfirmed(*_: str) -> None:
        raise StoreUnavailableError("not confirmed in time")

    async with feeding(store, store_process.url) as (one, world):
        ear = Ear()
        await one.feed.join("alice", "red", ear)
        early = await world.submit(partition="q", tags="red")
        one.partitions.add("q")
        with monkeypatch.context() as away:
            away.setattr(one.subscription, "add", unconfirmed)
            with pytest.raises(StoreUnavailableError):
                await one.feed.open_new(one.partitions)
        await one.feed.open_new(one.partitions)
        await ear.until(early)
        later = await world.submit(partition="q", tags="red")
        await ear.until(later)


async def test_a_follower_that_leaves_hears_nothing_more_and_one_that_stays_does(
    store: Redis, store_process: StoreProcess
) -> None:
    async with feeding(store, store_process.url) as (one, world):
        leaves, stays = Ear(), Ear()
        await one.feed.join("alice", "red", leaves)
        await one.feed.join("alice", "red", stays)
        one.feed.leave("alice", "red", leaves)
        later = await world.submit(tags="red")
        await stays.until(later)
        assert leaves.heard == []
        one.feed.leave("alice", "red", stays)
        assert (len(one.feed), one.feed.channels) == (0, {})
        back = Ear()
        await one.feed.join("alice", "red", back)
        last = await world.submit(tags="red")
        await back.until(last)
