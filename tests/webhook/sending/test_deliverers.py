"""Workers that deliver, and how deliveries stand, as operators see them in `tidings status`, `top` and the overview."""

import signal
import time
from collections.abc import Iterator

import msgspec
import pytest
from rich.console import Console

from dead.world import World
from support.store import StoreProcess, running_store
from support.system import Process
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.admin.delivery_counts import QueueDeliveries, count_deliveries
from tidings.store.keys import StoreKeys
from tidings.store.registry import DeliveryLoad, Registry, WorkerRecord
from tidings.webhook import new_secret
from tidings_cli.operate.delivery_view import delivery_warnings
from tidings_cli.top.poll import Poller
from tidings_cli.top.screen import screen
from tidings_server.jobs.overview_feed import worker_line
from tidings_worker.outcome import outcomes
from webhook.deliveries import Deliveries, hook

KEYS = StoreKeys()


@pytest.fixture(scope="module")
def own_store() -> Iterator[StoreProcess]:
    with running_store() as found:
        yield found


def worker_record(name: str, slots: int = 1, deliveries: DeliveryLoad | None = None) -> WorkerRecord:
    return WorkerRecord(
        worker=name, host="h", pid=1, version="1", kinds=[], queues=["p"] * bool(slots), slots=slots,
        deliveries=deliveries,
    )  # fmt: skip


def test_a_worker_that_only_delivers_is_shown_while_it_lives_and_counts_as_none_for_jobs(
    own_store: StoreProcess,
) -> None:
    settings = {"TIDINGS_WEBHOOKS": "true", "TIDINGS_WEBHOOK_SECRETS": new_secret(), "TIDINGS_WEBHOOK_SLOTS": "77"}
    worker = Process("worker", "work", TIDINGS_STORE_URL=own_store.url, TIDINGS_NAME="courier", **settings)
    try:
        give_up = time.monotonic() + scaled(20)
        while True:
            status = run_tidings("status", "--json", TIDINGS_STORE_URL=own_store.url)
            assert status.returncode == 4, status.stderr
            if shown := msgspec.json.decode(status.stdout)["workers"]:
                break
            assert time.monotonic() < give_up, worker.text()
        assert (shown[0]["worker"], shown[0]["deliveries"], shown[0]["queues"]) == ("courier", [0, 77], [])
        text = run_tidings("status", TIDINGS_STORE_URL=own_store.url).stdout
        assert "0 of 77" in text
        assert "No worker lives." in text
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0, worker.text()
        assert '"left"' in worker.text() or " left " in worker.text(), worker.text()
        left = run_tidings("status", "--json", TIDINGS_STORE_URL=own_store.url)
        assert msgspec.json.decode(left.stdout)["workers"] == []
    finally:
        worker.close()


async def test_queues_with_deliveries_are_counted_and_those_without_left_out(
    deliveries: Deliveries, world: World
) -> None:
    assert await count_deliveries(world.store, KEYS, ["p", "quiet"]) == []
    await world.submit(webhook=hook())
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    (one,) = await count_deliveries(world.store, KEYS, ["quiet", "p"])
    assert (one.queue, one.pending, one.dead, one.paused) == ("p", 1, 0, 0)
    assert one.oldest is not None
    (taken,) = await deliveries.take()
    await deliveries.end(taken, "dead")
    await deliveries.store.act("p", "pause", ["hooks.example"])
    (one,) = await count_deliveries(world.store, KEYS, ["p"])
    assert (one.pending, one.oldest, one.dead, one.paused) == (0, None, 1, 1)


async def test_top_shows_deliveries_and_who_sends_them(deliveries: Deliveries, world: World) -> None:
    registry = Registry(world.store, KEYS)
    await registry.register([KindRecord(kind="k", queue="p", input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"{}"))])
    await registry.heartbeat(worker_record("courier", 0, DeliveryLoad(3, 500)), 60)
    await registry.heartbeat(worker_record("both", 2, DeliveryLoad(4, 600)), 60)
    await world.submit(webhook=hook())
    await world.end(await world.start(), outcomes.succeeded(b"1"))
    found = await Poller(world.store, KEYS).poll()
    assert [one.pending for one in found.deliveries] == [1]
    console = Console(width=240)
    with console.capture() as captured:
        console.print(screen(found))
    text = captured.get()
    assert "webhooks (3 of 500)" in text
    assert "p + webhooks (4 of 600)" in text
    assert "deliveries of" in text


def counts(pending: int = 0, overdue: float = 0.0, dead: int = 0, paused: int = 0) -> QueueDeliveries:
    return QueueDeliveries(
        queue="p", pending=pending, oldest=1.0 if pending else None, overdue=overdue, dead=dead, paused=paused
    )


COURIER, JOBS_ALONE = worker_record("courier", 0, DeliveryLoad(0, 500)), worker_record("jobs")


@pytest.mark.parametrize(
    ("one", "workers", "says"),
    [
        (counts(pending=1), [], ["no worker delivers"]),
        (counts(pending=1), [JOBS_ALONE], ["no worker delivers"]),
        (counts(pending=1), [JOBS_ALONE, COURIER], []),
        (counts(pending=1, overdue=60), [COURIER], ["due for 60 s, and no worker took it"]),
        (counts(dead=2), [COURIER], ["2 deliveries of p are dead: `tidings webhook list --state dead`"]),
        (counts(paused=1), [COURIER], ["nothing to 1 paused hosts: `tidings webhook resume HOST`"]),
    ],
)
def test_operators_are_warned_of_what_stands_still(
    one: QueueDeliveries, workers: list[WorkerRecord], says: list[str]
) -> None:
    found = delivery_warnings([one], workers)
    assert len(found) == len(says)
    assert all(part in text for part, text in zip(says, found, strict=True)), found


def test_the_overview_tells_what_a_worker_delivers() -> None:
    courier, jobs = worker_line(COURIER, 0), worker_line(JOBS_ALONE, 0)
    assert (courier.sending, courier.delivery_slots, courier.slots) == (0, 500, 0)
    assert (jobs.sending, jobs.delivery_slots) == (None, 0)
    assert COURIER.only_delivers
    assert not JOBS_ALONE.only_delivers
    assert not worker_record("both", 2, DeliveryLoad(0, 500)).only_delivers
