"""A server of a test is the real system, on a free port."""

import urllib.request

import pytest

from testing import lifespan_kinds, world_kinds
from testing.world_kinds import remind, thread
from tidings import Client, SettingsError, SyncClient
from tidings.testing import TestingError, TestServer


async def test_a_client_submits_to_it_and_gets_its_result() -> None:
    with TestServer(world_kinds) as server:
        async with Client(server.url) as client:
            handle = await client.submit("thread", number=4)
            assert await handle.result() == 8


def test_two_run_beside_each_other_and_know_nothing_of_each_other() -> None:
    with TestServer(thread) as one, TestServer(remind) as other:
        assert one.url != other.url
        with SyncClient(one.url) as client:
            assert client.submit("thread", number=1).result(timeout=10) == 2
        for server, kind in ((one, b"thread"), (other, b"remind")):
            with urllib.request.urlopen(f"{server.url}/v1/kinds") as answer:
                text = answer.read()
                assert kind in text
                assert (b"remind" in text) is (kind == b"remind")


async def test_lifespans_and_states_are_those_of_a_world() -> None:
    lifespan_kinds.opened.clear()
    with TestServer(lifespan_kinds, state=lifespan_kinds.Pool(["fake"])) as server:
        async with Client(server.url) as client:
            assert await (await client.submit("read_rows")).result() == ["fake"]
    assert lifespan_kinds.opened == []
    with TestServer(lifespan_kinds):
        assert lifespan_kinds.opened == ["open"]
    assert lifespan_kinds.opened == ["open", "close"]


def test_it_is_used_while_it_runs() -> None:
    server = TestServer(remind)
    with pytest.raises(TestingError, match="does not run"):
        _ = server.url
    with server, pytest.raises(TestingError, match="runs already"):
        server.open()
    server.close()


def test_settings_are_those_of_processes() -> None:
    with pytest.raises(SettingsError, match="TIDINGS_MAX_BATCH"):
        TestServer(remind, max_batch=0).open()
    with pytest.raises(TestingError, match="'prot' is no setting"):
        TestServer(remind, prot=1).open()
