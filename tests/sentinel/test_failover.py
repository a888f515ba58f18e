"""A primary behind sentinels that dies, or is replaced, while servers, workers and clients are at work."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from redis.exceptions import RedisError, ResponseError

from support.peer import Peer, peer
from support.stores.sentinels import NAME, Watched, watched_store
from support.system import ServerProcess, WorkerProcess, running_server, running_worker
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until_async
from tidings.process.port import free_port
from tidings.protocol.tokens import new_token
from tidings.settings.durability import Replication
from tidings.store.availability.store_errors import StoreError, StoreUnconfirmedError
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.push_feed import open_push_feed
from tidings.store.redis.store_client import command, open_store

QUICK = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "0.5"}


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with watched_store() as one:
        yield one


@pytest.fixture(scope="module")
def worker(watched: Watched) -> Iterator[WorkerProcess]:
    with running_worker(watched.url, **QUICK) as one:
        yield one


@pytest.fixture(scope="module")
def server(watched: Watched, worker: WorkerProcess) -> Iterator[ServerProcess]:
    with running_server(watched.url, kinds=1) as one:
        yield one


class Load:
    """What clients have been promised."""

    def __init__(self) -> None:
        self.acked: list[str] = []
        self.over = False

    async def submit(self, client: Peer) -> None:
        """Submit jobs one after the other until told to end; each is tried under its key until it is acknowledged."""
        mine = 0
        while not self.over:
            mine += 1
            key = f"{id(client)}-{mine}"
            while (answer := await client.submit("noop", key=key))["type"] != "ack":
                assert answer["problem"]["code"] == "store_unavailable", answer
                await anyio.sleep(0.05)
            self.acked.append(answer["token"])
            await anyio.sleep(0.005)

    async def until(self, count: int) -> None:
        """Return when there are so many acknowledged jobs."""
        await until_async(lambda: len(self.acked) >= count, seconds=60)


async def test_jobs_outlive_the_death_of_the_primary_and_their_watchers_learn_the_end(
    watched: Watched, server: ServerProcess, worker: WorkerProcess
) -> None:
    load = Load()
    async with peer(server.socket_url) as first, peer(server.socket_url) as second, anyio.create_task_group() as tasks:
        clients = [first, second]
        for client in clients:
            tasks.start_soon(load.submit, client)
        await load.until(100)
        await anyio.to_thread.run_sync(watched.confirm)
        safe = load.acked[:]
        old = watched.primary
        killed_at, before = time.monotonic(), len(load.acked)
        old.kill()
        await load.until(before + len(clients) + 1)
        gap = time.monotonic() - killed_at
        after = len(load.acked)
        await load.until(after + 50)
        load.over = True
    print(f"{len(safe)} acknowledged and replicated before the kill, {len(load.acked)} in all; ack gap {gap:.1f} s")  # noqa: T201
    async with peer(server.socket_url) as client:
        for token in [*safe, *load.acked[after:]]:
            await client.send("watch", token=token)
        ends = await client.ends(*safe, *load.acked[after:])
    assert set(ends.values()) == {"succeeded"}
    assert watched.primary is not old
    assert '"store_moved"' in server.text()
    assert '"store_moved"' in worker.text()
    assert "Traceback" not in server.text() + worker.text()
    watched.bring_back(old)


async def test_a_primary_that_hands_over_to_a_replica_loses_no_job_that_it_acknowledged(
    watched: Watched, server: ServerProcess, worker: WorkerProcess
) -> None:
    load, old = Load(), watched.primary
    async with peer(server.socket_url) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(load.submit, client)
        await load.until(30)
        try:
            await anyio.to_thread.run_sync(watched.sentinels[0].ask, "FAILOVER", NAME, "COORDINATED")
        except ResponseError as error:
            load.over = True
            pytest.skip(f"stores before Valkey 9 hand over by no word of sentinels: {error}")
        await until_async(lambda: watched.primary is not old, seconds=60)
        await load.until(len(load.acked) + 30)
        load.over = True
    async with peer(server.socket_url) as client:
        for token in load.acked:
            await client.send("watch", token=token)
        assert set((await client.ends(*load.acked)).values()) == {"succeeded"}
    await anyio.to_thread.run_sync(watched.wait_until_whole)


async def test_a_watcher_who_waits_through_the_death_is_told_without_asking(
    watched: Watched, server: ServerProcess, worker: WorkerProcess, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    async with peer(server.socket_url) as client:
        tokens = [(await client.submit("wait_for_file", {"path": str(path)}))["token"] for _ in range(5)]
        await until_async(lambda: all(server.get(f"/v1/jobs/{token}")[1]["status"] == "running" for token in tokens))
        watched.confirm()
        old = watched.primary
        old.kill()
        await until_async(lambda: watched.primary is not old, seconds=60)
        path.touch()
        assert set((await client.ends(*tokens)).values()) == {"succeeded"}
        for token in tokens:
            snapshot = server.get(f"/v1/jobs/{token}")[1]
            assert snapshot["attempt"] == 1, snapshot
    watched.bring_back(old)


async def test_a_primary_that_is_replaced_in_good_health_is_left_at_once(watched: Watched) -> None:
    store = open_store(watched.url)
    async with anyio.create_task_group() as tasks, open_push_feed(store) as feed:
        await store.caller.ask("PING")
        tasks.start_soon(store.follow_nodes)
        old = watched.primary
        with watched.client(old) as client:  # sentinels cannot tell it that it is a replica now
            client.execute_command("ACL", "SETUSER", "default", "-replicaof", "-slaveof")
        watched.sentinels[0].ask("FAILOVER", NAME)
        with anyio.fail_after(scaled(60)):
            await until_async(lambda: watched.primary is not old, seconds=60)
            # By calls that a replica answers as well: nothing but the sentinels' word ends the connection.
            await until_async(lambda: _port_of(store), lambda found: found != old.port, seconds=60)
            assert await _port_of(store) == watched.primary.port
            with pytest.raises(RedisError):
                await feed.read()
        tasks.cancel_scope.cancel()
    await store.aclose()
    with watched.client(old) as client:
        assert client.info("replication")["role"] == "master"  # the old one would still have taken our writes
        client.execute_command("ACL", "SETUSER", "default", "+@all")
    await anyio.to_thread.run_sync(watched.demote, old)


async def _port_of(store: object) -> int:
    try:
        told: bytes = await store.caller.ask("INFO", "server")  # type: ignore[attr-defined]
    except StoreError:
        return 0
    return int(told.decode().partition("tcp_port:")[2].split()[0])


async def test_a_failover_loses_nothing_that_replicas_have_confirmed(watched: Watched) -> None:
    store = open_store(watched.url, replication=Replication(2, 1.0))
    acked: list[str] = []
    old = watched.primary
    async with JobStore(store, StoreKeys(), "g") as jobs, anyio.create_task_group() as tasks:
        tasks.start_soon(store.follow_nodes)
        with anyio.fail_after(scaled(60)):
            while True:
                if len(acked) == 40 and old.process is not None and old.process.poll() is None:
                    old.kill()
                try:
                    made = await jobs.submit("kept", NewJob(new_token("kept").id, "k", "standard", "[]"))
                except StoreUnconfirmedError:
                    if len(acked) >= 40:
                        break  # the one that was promoted has one replica left, until the old primary is back
                except StoreError:
                    await anyio.sleep(0.02)
                else:
                    acked.append(made.id)
        tasks.cancel_scope.cancel()
    with watched.client(watched.primary) as client:
        assert watched.primary is not old
        assert [one for one in acked if not client.exists(StoreKeys().job("kept", one))] == []
    await store.aclose()
    await anyio.to_thread.run_sync(watched.bring_back, old)


def test_commands_find_the_store_by_its_sentinels(watched: Watched, worker: WorkerProcess) -> None:
    shown = run_tidings("status", "--json", TIDINGS_STORE_URL=watched.url)
    assert '"noop"' in shown.stdout, shown.stderr
    lone = watched.url_of(f"127.0.0.1:{free_port()},127.0.0.1:{watched.sentinels[1].port}")
    assert '"noop"' in run_tidings("status", "--json", TIDINGS_STORE_URL=lone).stdout


def mistakes(watched: Watched) -> list[tuple[str, str]]:
    one = f"127.0.0.1:{watched.sentinels[0].port}"
    right = watched.url_of(one)
    return [
        (watched.url_of(one, name="other"), "knows no primary 'other'"),
        (right.partition("?")[0], "write ?sentinel_username=USER&sentinel_password=PASSWORD"),
        (right.replace("hush%2Fsentinel", "zebra"), f"the sentinel at {one} refuses its user name or password"),
        (right.replace("hush%2Fprimary", "zebra"), "refuses the user name or password of its address"),
        (watched.url_of(f"127.0.0.1:{free_port()}"), "no sentinel answers at 127.0.0.1:"),
        (watched.url_of(f"127.0.0.1:{watched.primary.port}").partition("?")[0], "refuses its user name"),
    ]


def test_each_mistake_is_one_line_without_a_password(watched: Watched) -> None:
    for url, says in mistakes(watched):
        done = run_tidings("status", TIDINGS_STORE_URL=url)
        (line,) = done.stderr.strip().splitlines()
        assert (done.returncode, says in line) == (3, True), line
        assert "hush" not in line
        assert "zebra" not in line


def test_a_thread_finds_the_primary_too(watched: Watched) -> None:
    from tidings.settings.store_url import parse_store_url  # noqa: PLC0415
    from tidings.store.sentinel.primary_pool import blocking_client  # noqa: PLC0415

    client = blocking_client(parse_store_url(watched.url), socket_timeout=scaled(5))
    try:
        assert client.info("server")["tcp_port"] == watched.primary.port
    finally:
        client.close()


async def test_a_replica_that_a_connection_was_left_with_is_left_by_its_first_refusal(watched: Watched) -> None:
    primary = watched.primary
    replica = next(one for one in watched.stores if one is not primary)
    store = open_store(f"redis://:hush%2Fprimary@127.0.0.1:{replica.port}/0")
    asked = [store.caller.ask("CLIENT", "ID"), store.caller.ask("SET", "k", "v"), store.caller.ask("GET", "k")]
    first, refused, behind = await asyncio.gather(*asked, return_exceptions=True)
    assert str(refused).startswith("READONLY")
    assert isinstance(behind, StoreError)
    assert await store.caller.ask("CLIENT", "ID") != first
    await store.aclose()


async def test_a_wait_that_the_store_ends_by_force_ends_its_connection(watched: Watched) -> None:
    store = open_store(watched.url)
    number = await store.caller.wait("CLIENT", "ID")
    waiting = asyncio.ensure_future(store.caller.wait("BLPOP", "nothing", "9"))
    await until_async(lambda: command(store, "CLIENT", "UNBLOCK", number, "ERROR"), seconds=10)
    with pytest.raises(StoreError, match="UNBLOCKED"):
        await waiting
    assert await store.caller.wait("CLIENT", "ID") != number
    await store.aclose()
