"""What clients are told, and what workers do, while a replica that must confirm stands still."""

from collections.abc import Iterator

import anyio
import pytest

from support.peer import peer
from support.stores.replicas import ReplicatedStore, replicated_store
from support.system import ServerProcess, WorkerProcess, running_server, running_worker
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until
from tidings import Client, SubmitOptions
from tidings.client.handle import Handle
from tidings.store.keys import StoreKeys

REPLICATED = {"TIDINGS_DURABILITY": "replicated", "TIDINGS_REPLICAS": "1", "TIDINGS_REPLICAS_WITHIN_S": "0.3"}


@pytest.fixture(scope="module")
def stores() -> Iterator[ReplicatedStore]:
    with replicated_store() as one:
        yield one


@pytest.fixture(scope="module")
def worker(stores: ReplicatedStore) -> Iterator[WorkerProcess]:
    with running_worker(stores.primary.url, **REPLICATED) as one:
        yield one


@pytest.fixture(scope="module")
def server(stores: ReplicatedStore, worker: WorkerProcess) -> Iterator[ServerProcess]:
    with running_server(stores.primary.url, kinds=1, **REPLICATED) as one:
        yield one


async def confirmed(server: ServerProcess, key: str, kind: str = "noop") -> dict[str, object]:
    """Submit under a key until it is confirmed; return the ack."""
    async with peer(server.socket_url) as client:
        with anyio.fail_after(scaled(20)):
            while (answer := await client.submit(kind, key=key))["type"] != "ack":
                assert answer["problem"]["code"] == "unconfirmed", answer
    return answer


async def test_a_client_is_told_that_its_job_may_run_and_that_its_key_makes_another_try_safe(
    stores: ReplicatedStore, server: ServerProcess, worker: WorkerProcess
) -> None:
    (replica,) = stores.replicas
    with stores.stopped(replica):
        async with peer(server.socket_url) as client:
            refused = (await client.submit("noop", key="once"))["problem"]
            again = (await client.submit("noop", key="once"))["problem"]
    assert (refused["code"], refused["status"], refused["retry_after"]) == ("unconfirmed", 503, 1.0)
    assert "too few replicas of the store" in refused["detail"]
    assert "the same idempotency key" in refused["detail"]
    assert again["code"] == "unconfirmed", "a duplicate is not confirmed either"
    told = await confirmed(server, "once")
    assert told["duplicate"] is True
    async with peer(server.socket_url) as client:
        await client.send("watch", token=told["token"])
        assert await client.ends(str(told["token"])) == {told["token"]: "succeeded"}
    assert server.get(f"/v1/jobs/{told['token']}")[1]["attempt"] == 1
    assert '"replicas_missing"' in server.text()
    assert '"replicas_back"' in server.text()


async def test_the_client_sends_what_is_not_confirmed_again_and_the_caller_gets_the_one_job(
    stores: ReplicatedStore, server: ServerProcess
) -> None:
    (replica,) = stores.replicas
    before = stores.calls("wait")
    async with Client(server.url) as client, anyio.create_task_group() as tasks:
        handles: list[Handle[object]] = []

        async def submit() -> None:
            # A job that no worker begins: the submits alone wait for the replica.
            handles.append(await client.submit("noop", options=SubmitOptions(delay=3600)))

        with stores.stopped(replica):
            tasks.start_soon(submit)
            await anyio.to_thread.run_sync(
                lambda: until(lambda: stores.calls("wait") >= before + 2, lambda: "it is not sent again", seconds=20)
            )
    (handle,) = handles
    with stores.client(stores.primary) as store:
        assert store.zrange(StoreKeys().scheduled("default"), 0, -1) == [handle.token.partition(".")[2]]


async def test_an_operators_command_that_is_not_confirmed_says_so(
    stores: ReplicatedStore, server: ServerProcess
) -> None:
    token = str((await confirmed(server, "over", "raises"))["token"])
    async with peer(server.socket_url) as client:
        await client.send("watch", token=token)
        assert await client.ends(token) == {token: "failed"}
    (replica,) = stores.replicas
    drop = ("dead", "drop", token, "--yes")
    with stores.stopped(replica):
        done = run_tidings(*drop, TIDINGS_STORE_URL=stores.primary.url, **REPLICATED)
    assert (done.returncode, "0 of 1 replicas have it after 0.3 s" in done.stderr) == (3, True), done
