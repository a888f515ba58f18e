"""Clusters, and stores behind sentinels, that speak TLS alone with users and passwords of their own: Debian's Redis."""

import re
from collections.abc import Iterator

import pytest

from cluster.kind_files import ALL_KINDS, KIND_FILE
from support.store import Certificates, one_store
from support.stores.cluster import StoreCluster
from support.stores.sentinels import watched_store
from support.stores.tls_front import Authority
from support.system import running_server, running_worker
from support.tidings_command import run_tidings


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "ours")


@pytest.fixture(scope="module")
def certificates(ours: Authority) -> Certificates:
    return Certificates(*ours.issue("store"), ours.file)


@pytest.fixture(scope="module")
def cluster(certificates: Certificates) -> Iterator[StoreCluster]:
    one = StoreCluster(replicas=False, tls=certificates)
    try:
        one.start()
        for node in one.nodes:
            one.ask(node, "ACL", "SETUSER", "tidings", "on", ">hush", "~*", "&*", "+@all")
        yield one
    finally:
        one.close()


def works(url: str) -> None:
    """Run a job on each node by real processes, one by their command."""
    with running_worker(url, KIND_FILE), running_server(url, kinds=ALL_KINDS) as server:
        for number, kind in enumerate(("on_first", "on_second", "on_third", "across")):
            told = run_tidings("submit", kind, f"n={number}", "note=", "--follow", "--url", server.url)
            assert told.returncode == 0, told
        assert '"across"' in run_tidings("status", "--json", TIDINGS_STORE_URL=url).stdout


def refusal(url: str) -> str:
    """Return the one line by which a command says why it cannot reach the store."""
    done = run_tidings("status", TIDINGS_STORE_URL=url)
    assert done.returncode == 3, done
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_cluster_by_tls_with_an_authority_of_ones_own(cluster: StoreCluster, ours: Authority) -> None:
    works(f"rediss+cluster://tidings:hush@{cluster.addresses}?ssl_ca_certs={ours.file}")


@one_store("sentinels watch no cluster")
def test_a_primary_behind_sentinels_by_tls_with_an_authority_of_ones_own(
    certificates: Certificates, ours: Authority
) -> None:
    with watched_store(tls=certificates) as watched:
        trusted = f"{watched.url}&ssl_ca_certs={ours.file}"
        works(trusted)
        first = watched.primary
        watched.sentinels[0].ask("FAILOVER", "orders-store")
        watched.wait_until_another_leads(first)
        works(trusted)
        assert re.search("certificate", refusal(watched.url), re.IGNORECASE)


def test_an_authority_or_a_name_that_is_wrong_and_a_port_without_tls_are_said_in_one_line(
    cluster: StoreCluster, ours: Authority
) -> None:
    other = Authority(ours.file.parent, "other")
    base = f"rediss+cluster://tidings:hush@{cluster.addresses}"
    for url in (base, f"{base}?ssl_ca_certs={other.file}"):
        assert re.search("certificate", refusal(url), re.IGNORECASE)
    named = base.replace("127.0.0.1", "localhost")
    assert re.search("hostname|match|certificate", refusal(f"{named}?ssl_ca_certs={ours.file}"), re.IGNORECASE)
    plain = f"rediss+cluster://tidings:hush@127.0.0.1:{cluster.primaries[0].port}?ssl_ca_certs={ours.file}"
    assert "did not answer" in refusal(plain)
    wrong = f"rediss+cluster://tidings:wrong@{cluster.addresses}?ssl_ca_certs={ours.file}"
    assert "password" in refusal(wrong).lower() or "WRONGPASS" in refusal(wrong)
