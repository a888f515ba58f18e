"""Large inputs and results on a real store: they stand beside the arguments and replies of scripts, in every form."""

import pytest
from redis.asyncio import Redis

from support.store import DATABASES, StoreProcess, one_store
from tidings.protocol.tokens import Token, new_token
from tidings.store.attempts.attempt_store import AttemptReport, AttemptStore
from tidings.store.availability.store_errors import ItemError
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.encoding.script_arguments import text_of
from tidings.store.redis.store_client import command, open_store
from tidings_worker.outcome import outcomes

KEYS = StoreKeys()
ENVELOPE = b'["k",{"text":"' + b"x" * 100_000 + b'"}]'
RESULT = '"é'.encode() + b"y" * 100_000 + b'"'
SMALL = b'["k",{}]'


async def run(store: Redis, envelope: bytes, result: bytes) -> tuple[Token, bytes, JobRecord]:
    """Return a job's token, the envelope that its worker got, and its record at its end."""
    async with JobStore(store, KEYS, "g") as gateway, AttemptStore(store, KEYS, "p", "w") as worker:
        await worker.join(["standard"])
        token = new_token("p")
        answers = [
            await gateway.submit("p", NewJob(one, "k", "standard", text_of(text)))
            for one, text in ((token.id, envelope), (new_token("p").id, SMALL))
        ]
        assert [answer.answer for answer in answers] == ["new", "new"]
        entries = await worker.take(["standard"], 2, 1000)
        for entry, started in zip(entries, await worker.start(entries), strict=True):
            report = AttemptReport(entry.id, started.fence, 1)
            report.outcome = outcomes.succeeded(result if entry.id == token.id else b"1")
            assert await worker.report(report) == "ok"
        return token, next(entry.envelope for entry in entries if entry.id == token.id), await gateway.read(token)


async def test_a_large_input_and_a_large_result_come_through_as_they_are(store: Redis) -> None:
    token, envelope, record = await run(store, ENVELOPE, RESULT)
    assert envelope == ENVELOPE
    assert (record.state, record.result, record.result_json) == ("succeeded", "", RESULT)
    assert await store.hget(KEYS.job("p", token.id), "result") == RESULT


async def test_a_text_between_the_two_sizes_stands_among_the_replies(store: Redis) -> None:
    result = b'"' + b"y" * 60_000 + b'"'
    _, _, record = await run(store, SMALL, result)
    assert (record.large_result, record.result_json) == (b"", result)


@one_store(DATABASES)
async def test_so_they_do_where_channels_have_a_prefix_and_scripts_have_texts(
    store_process: StoreProcess,
) -> None:
    store = open_store(store_process.url.replace("/0", "/3"))
    try:
        await command(store, "FLUSHDB")
        store.caller.functions = False
        _, envelope, record = await run(store, ENVELOPE, RESULT)
        assert (envelope, record.result_json) == (ENVELOPE, RESULT)
    finally:
        await store.aclose()


@pytest.mark.parametrize("spoilt", [b'"' + b"y" * 100_000, b'"\xff' + b"y" * 100_000 + b'"'])
async def test_a_large_result_that_no_script_wrote_breaks_its_own_record(store: Redis, spoilt: bytes) -> None:
    token, _, _ = await run(store, SMALL, RESULT)
    await command(store, "HSET", KEYS.job("p", token.id), "result", spoilt)
    async with JobStore(store, KEYS, "g") as gateway:
        with pytest.raises(ItemError, match="the record is broken"):
            await gateway.read(token)
