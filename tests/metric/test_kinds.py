"""A server that knows ten thousand kinds: its page stays as large as it was with a few hundred."""

import json

import msgspec

from support.peer import peer
from support.scrape import scrape, text, until
from support.system import System, system_fixture
from tidings.metrics.instruments import MAX_NAMES, OTHER
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.registry import Registry

KINDS = 10_000
SUBMITTED = MAX_NAMES + 100


system = system_fixture(servers=0, workers=0, scope="function")


async def test_ten_thousand_kinds_in_as_many_queues_do_not_grow_the_page(system: System) -> None:
    schema = msgspec.Raw(json.dumps({"type": "object"}).encode())
    kinds = [KindRecord(kind=f"k{n}", queue=f"q{n}", input=schema, result=schema) for n in range(KINDS)]
    store = open_store(system.store.url)
    await Registry(store, StoreKeys()).register(kinds)
    await store.aclose()
    server = system.add_server().wait_until_ready(kinds=KINDS)
    async with peer(server.socket_url) as client:
        for number in range(SUBMITTED):
            ack = await client.submit(f"k{number}")
            assert ack["type"] == "ack", ack
    page = server.url + "/metrics"
    now = until(page, lambda now: now.sum("tidings_ack_seconds_count") == SUBMITTED)
    assert len(now.each("tidings_ack_seconds_count")) == MAX_NAMES + 1
    assert now.sum("tidings_ack_seconds_count", kind=OTHER) == SUBMITTED - MAX_NAMES
    now = until(page, lambda now: now.has("tidings_backlog_jobs"))
    assert now.sum("tidings_backlog_jobs") == SUBMITTED
    for name in ("tidings_backlog_jobs", "tidings_kind_workers", "tidings_dead_jobs"):
        assert len(scrape(page).each(name)) <= 2 * MAX_NAMES + 2
    assert len(text(page)[1]) < 2_000_000
