"""A store by TLS, with an authority of the operator's own: for the server, the worker, its thread and the commands."""

import asyncio
from collections.abc import Iterator

import pytest

from support.store import StoreProcess, running_store
from support.stores.tls_front import Authority, tls_before
from support.system import running_server, running_worker
from support.tidings_command import run_tidings
from tidings.store.attempts.attempt_store import LeaseRenewal
from tidings.store.attempts.blocking_store import BlockingStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store, store_of


@pytest.fixture(scope="module")
def process() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="module")
def url(process: StoreProcess, ours: Authority) -> Iterator[str]:
    with tls_before(process.port, ours.issue("store")) as front:
        yield f"rediss://127.0.0.1:{front.port}/0"


def test_all_processes_work_by_tls_with_an_authority_of_ones_own(url: str, ours: Authority) -> None:
    trusted = f"{url}?ssl_ca_certs={ours.file}"
    with running_worker(trusted), running_server(trusted, kinds=1) as server:
        told = run_tidings("submit", "echo", "text=by TLS", "--follow", "--url", server.url, TIDINGS_STORE_URL=trusted)
        assert told.stdout == '"by TLS"\n', told
        assert '"echo"' in run_tidings("status", "--json", TIDINGS_STORE_URL=trusted).stdout
    thread = BlockingStore(trusted, StoreKeys(), "w", 5.0)
    assert thread.beat("p", [LeaseRenewal("j", 1, "standard", "0-1")]) == ["lost"]
    thread.close()


def test_an_answer_of_many_records_of_tls_comes_whole(url: str, ours: Authority) -> None:
    async def exchange() -> list[bytes]:
        store = store_of(open_store(f"{url}?ssl_ca_certs={ours.file}"))
        try:
            return [await store.caller.ask("ECHO", text) for text in texts]
        finally:
            await store.aclose()

    texts = [bytes([65 + size % 26]) * size for size in (1, 16_384, 100_000, 1_000_000)]
    assert asyncio.run(exchange()) == texts, "of asyncio's own loop, which commands run on"


def test_a_certificate_of_an_unknown_authority_is_refused_in_one_line(url: str, ours: Authority) -> None:
    other = Authority(ours.file.parent, "other")
    for asked in (url, f"{url}?ssl_ca_certs={other.file}"):
        done = run_tidings("status", TIDINGS_STORE_URL=asked)
        (line,) = done.stderr.strip().splitlines()
        assert (done.returncode, "certificate" in line.lower()) == (3, True), line


def test_a_certificate_of_this_process_is_shown_where_the_store_asks_for_one(
    process: StoreProcess, ours: Authority
) -> None:
    certificate, key = ours.issue("tidings")
    with tls_before(process.port, ours.issue("strict"), clients=ours.file) as front:
        plain = f"rediss://127.0.0.1:{front.port}/0?ssl_ca_certs={ours.file}"
        shown = run_tidings(
            "status", "--json", TIDINGS_STORE_URL=f"{plain}&ssl_certfile={certificate}&ssl_keyfile={key}"
        )
        refused = run_tidings("status", TIDINGS_STORE_URL=plain)
    assert shown.stderr == "", shown
    assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (3, 1), refused
