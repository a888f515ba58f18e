"""One item that cannot be sent, or whose answer cannot be read, fails alone: the others of its batch go on."""

import asyncio

import pytest
from redis.asyncio import Redis

from tidings.protocol.tokens import Token
from tidings.store.availability.store_errors import ItemError
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob
from tidings.store.keys import StoreKeys


def job(number: int, owner: str = "") -> NewJob:
    return NewJob(id=f"{number:022d}", kind="echo", tier="default", envelope="{}", owner=owner)


async def test_a_job_that_cannot_be_packed_fails_alone(store: Redis) -> None:
    async with JobStore(store, StoreKeys(), "g") as gateway:
        owners = ["alice", "alice", "\ud800", "alice"]
        answers = [gateway.submit("default", job(number, owner)) for number, owner in enumerate(owners)]
        found = await asyncio.gather(*answers, return_exceptions=True)
        assert [type(one).__name__ for one in found] == ["SubmitReply", "SubmitReply", "ItemError", "SubmitReply"]
        assert (await gateway.submit("default", job(9))).answer == "new"


@pytest.mark.parametrize("asked", ["read", "watch"])
async def test_a_record_that_cannot_be_read_fails_who_asked_for_it_alone(store: Redis, asked: str) -> None:
    keys = StoreKeys()
    async with JobStore(store, keys, "g") as gateway:
        for number in range(3):
            await gateway.submit("default", job(number))
        await store.hset(keys.job("default", f"{1:022d}"), "kind", b"\xff\xfe")
        answers = [getattr(gateway, asked)(Token("default", f"{number:022d}")) for number in range(3)]
        first, broken, last = await asyncio.gather(*answers, return_exceptions=True)
        assert isinstance(first, JobRecord)
        assert isinstance(last, JobRecord)
        assert isinstance(broken, ItemError)
