"""The subscription: what it hears, over which kinds of address, and on links that fail without saying so."""

import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from redis.asyncio import Redis

from support.store import StoreProcess, one_store, running_store
from support.timeouts import scaled
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.redis.store_client import open_store
from tidings.store.redis.subscription import Hearing, Subscription
from tidings_cli.lab.proxy import LinkMode, Proxy, running_proxy

pytestmark = one_store("`Subscription` hears one node; all are heard by `ClusterSubscription`, as tests/cluster shows")

PROBE_S = 0.05


class Listening:
    """A subscription and all it told."""

    def __init__(self, listening: str, calling: str) -> None:
        self.heard: list[bytes] = []
        self.opened = 0
        self.changes: list[Hearing] = []
        self._news = anyio.Event()
        self.store = open_store(listening, timeout=None)
        self.caller = open_store(calling)
        self.inbox = Subscription(
            self.store, self.caller, "probe", self._on_message, self._on_open, self._on_change, probe_s=scaled(PROBE_S)
        )

    def _on_message(self, _channel: str, data: bytes) -> None:
        self.heard.append(data)
        self._tell()

    def _on_open(self) -> None:
        self.opened += 1
        self._tell()

    def _on_change(self, hearing: Hearing) -> None:
        self.changes.append(hearing)
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    async def until(self, done: Callable[[], bool]) -> None:
        with anyio.fail_after(scaled(20)):
            while not done():
                await self._news.wait()


@asynccontextmanager
async def listening(url: str, calling: str | None = None) -> AsyncIterator[Listening]:
    one = Listening(url, calling or url)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.inbox.run)
            await one.inbox.add("c")
            await one.until(lambda: one.inbox.hearing is Hearing.OPEN)
            yield one
            tasks.cancel_scope.cancel()
    finally:
        await one.store.aclose()
        await one.caller.aclose()


def address(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


async def test_a_half_open_connection_is_found_and_the_channels_are_subscribed_again(
    store: Redis, store_process: StoreProcess
) -> None:
    async with running_proxy(store_process.port) as proxy, listening(address(proxy), store_process.url) as one:
        proxy.set_mode(LinkMode.HALF_OPEN)
        await one.until(lambda: one.inbox.hearing is not Hearing.OPEN)
        assert one.changes == [Hearing.OPEN, Hearing.DEAF]
        proxy.set_mode(LinkMode.OPEN)
        await one.until(lambda: one.opened == 2)
        await store.publish("c", "x")
        await one.until(lambda: one.heard == [b"x"])
        assert one.changes == [Hearing.OPEN, Hearing.DEAF, Hearing.CLOSED, Hearing.OPEN]


async def test_a_store_that_takes_no_probes_is_heard_from_again_over_the_same_connection(
    store: Redis, store_process: StoreProcess
) -> None:
    async with running_proxy(store_process.port) as proxy, listening(store_process.url, address(proxy)) as one:
        proxy.set_mode(LinkMode.MUTE)
        await store.publish("c", "x")
        await one.until(lambda: one.inbox.hearing is Hearing.DEAF)
        proxy.set_mode(LinkMode.CUT)
        proxy.set_mode(LinkMode.OPEN)
        await one.until(lambda: one.inbox.hearing is Hearing.OPEN)
        assert (one.opened, one.changes) == (1, [Hearing.OPEN, Hearing.DEAF, Hearing.OPEN])


async def test_a_store_that_is_paused_is_left_its_connections() -> None:
    with running_store() as process:
        async with listening(process.url) as one:
            assert process.process is not None
            process.process.send_signal(signal.SIGSTOP)
            await one.until(lambda: one.inbox.hearing is Hearing.DEAF)
            process.process.send_signal(signal.SIGCONT)
            await one.until(lambda: one.inbox.hearing is Hearing.OPEN)
            assert one.changes == [Hearing.OPEN, Hearing.DEAF, Hearing.OPEN]
            assert one.opened == 1


async def test_what_was_published_while_it_was_away_is_announced_by_its_opening(
    store: Redis, store_process: StoreProcess
) -> None:
    async with listening(store_process.url) as one:
        await store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        await one.until(lambda: one.opened == 2)
        assert one.changes == [Hearing.OPEN, Hearing.CLOSED, Hearing.OPEN]
        await one.inbox.add("d")
        await store.publish("d", "y")
        await one.until(lambda: one.heard == [b"y"])


async def test_messages_of_all_sizes_arrive_whole_and_in_order(store: Redis, store_process: StoreProcess) -> None:
    sizes = [0, 1, 65_535, 65_536, 65_537, 1_000_000, 3]
    async with listening(store_process.url) as one:
        pipeline = store.pipeline(transaction=False)
        for size in sizes:
            pipeline.publish("c", b"\r\n" * (size // 2) + b"x" * (size % 2))
        await pipeline.execute()
        await one.until(lambda: len(one.heard) == len(sizes))
        assert [len(data) for data in one.heard] == sizes


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StoreProcess, Path]]:
    """A store that asks for a password, also on a unix socket; and the socket's path."""
    path = tmp_path_factory.mktemp("store") / "s"
    with running_store("--unixsocket", str(path)) as process:
        for line in ("ACL SETUSER joan on >s3cret ~* &* +@all", "CONFIG SET requirepass other"):
            process.tell(line)
        yield process, path


@pytest.mark.parametrize(
    "form",
    [
        "redis://:other@127.0.0.1:{port}/3",
        "redis://joan:s3cret@127.0.0.1:{port}/0",
        "unix://joan:s3cret@{path}",
        "rediss://:other@localhost:{tls}/0?ssl_ca_certs={certificate}",
    ],
)
async def test_it_hears_whatever_the_address_asks_for(
    guarded: tuple[StoreProcess, Path], form: str, tmp_path: Path
) -> None:
    process, path = guarded
    certificate, key = self_signed(tmp_path)
    async with tls_before(process.port, certificate, key) as tls:
        url = form.format(port=process.port, path=path, tls=tls, certificate=certificate)
        async with listening(url) as one:
            await one.caller.tell("c", b"x" * 300_000)
            await one.until(lambda: one.heard == [b"x" * 300_000])


def self_signed(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


@asynccontextmanager
async def tls_before(port: int, certificate: Path, key: Path) -> AsyncIterator[int]:
    """Take TLS on a port of its own, and pass it on: the embedded store speaks none."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with running_proxy(port, context) as proxy:
        yield proxy.port


async def test_a_refused_password_is_told_as_the_store_s_and_tried_again(guarded: tuple[StoreProcess, Path]) -> None:
    process, _ = guarded
    one = Listening(f"redis://:wrong@127.0.0.1:{process.port}/0", f"redis://:other@127.0.0.1:{process.port}/0")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.inbox.run)
        with pytest.raises(StoreUnavailableError):
            await one.inbox.add("c")
        tasks.cancel_scope.cancel()
    assert one.changes == []
    await one.store.aclose()
    await one.caller.aclose()
