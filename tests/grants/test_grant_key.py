"""The key of grants where no setting gives one: the servers of a store make one, share it, and outlive its loss."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from support.store import StoreProcess, running_store
from tidings.protocol.problems import ProblemError
from tidings.store.availability.store_errors import StoreError
from tidings.store.grant_key_store import GrantKeyStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store, open_store
from tidings_server.auth.grant import Grant, JobScope
from tidings_server.auth.grants.grant_codec import GrantCodec
from tidings_server.auth.grants.grant_keys import GrantKeys

GRANT = Grant(scope=JobScope(frozenset({"default.AAAAAAAAAAAAAAAAAAAAAA"})), may=frozenset({"watch"}), expires_at=2e9)


@pytest.fixture(scope="module")
def store() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


Server = Callable[[StoreProcess], tuple[GrantCodec, GrantKeys]]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Yield what makes the part of a server that knows the keys."""
    clients: list[Store] = []

    def made(store: StoreProcess) -> tuple[GrantCodec, GrantKeys]:
        clients.append(open_store(store.url))
        codec = GrantCodec()
        return codec, GrantKeys(codec, (), GrantKeyStore(clients[-1], StoreKeys()))

    yield made
    for client in clients:
        await client.aclose()


async def test_servers_of_a_store_accept_the_grants_of_each_other(store: StoreProcess, server: Server) -> None:
    (one, one_keys), (other, other_keys) = server(store), server(store)
    await one_keys.look()
    await other_keys.look()
    assert one.keys == other.keys
    assert other.read(one.write(GRANT)) == GRANT
    assert len(one.keys[0]) >= 32


async def test_a_key_of_the_settings_is_used_and_the_store_is_not_asked() -> None:
    codec = GrantCodec()
    with pytest.raises(ProblemError, match="auth_unavailable"):
        codec.write(GRANT)
    keys = GrantKeys(codec, ("a" * 32, "b" * 32), None)  # type: ignore[arg-type]
    await keys.run()
    assert codec.keys == (b"a" * 32, b"b" * 32)


async def test_a_store_that_lost_its_key_gets_one_back_and_earlier_grants_still_count(
    store: StoreProcess, server: Server
) -> None:
    (one, one_keys), (other, other_keys) = server(store), server(store)
    await one_keys.look()
    await other_keys.look()
    earlier = one.write(GRANT)
    store.tell("FLUSHALL")
    fresh, fresh_keys = server(store)
    await fresh_keys.look()  # a new server comes before the others look again
    await one_keys.look()
    await other_keys.look()
    assert one.keys[0] == other.keys[0] == fresh.keys[0]
    assert one.read(earlier) == other.read(fresh.write(GRANT)) == fresh.read(one.write(GRANT)) == GRANT
    store.tell("FLUSHALL")
    await one_keys.look()  # now an old one comes first: its key is the store's again
    await fresh_keys.look()
    assert fresh.read(one.write(GRANT)) == GRANT


async def test_a_broken_key_of_the_store_is_not_used(store: StoreProcess, server: Server) -> None:
    store.tell("FLUSHALL")
    store.tell(f"SET {StoreKeys().grant_key} short")
    codec, keys = server(store)
    await keys.look()
    assert codec.keys == ()
    store.tell("FLUSHALL")


async def test_a_store_that_is_away_gives_no_key(server: Server) -> None:
    with running_store() as gone:
        codec, keys = server(gone)
        gone.kill()
        with pytest.raises(StoreError):
            await keys.look()
    assert codec.keys == ()
