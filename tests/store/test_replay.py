"""A store that replays its append-only file with the rights of its user `default`: jobs must come back all the same."""

import signal
from collections.abc import Iterator

import pytest
import redis

from store.test_permissions import ESCAPED, granted
from support.store import StoreProcess, one_store
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.settings.settings import StoreSettings
from tidings.store.redis.store_client import open_store
from tidings.store.requirements.shortfall import Shortfall
from tidings.store.requirements.start_check import find_shortfalls

pytestmark = one_store("users are the same on a node")

CHECK = "store.default_user"


class OldStore(StoreProcess):
    """Debian's Redis 7, with users from a file: an operator, and a default user that may do nothing."""

    def __init__(self) -> None:
        super().__init__(password="hush")
        users = self.folder / "users.acl"
        users.write_text("user default off\nuser operator on >hush ~* &* +@all\n")
        self._program, self._password = "redis-server", "operator hush"
        self.options = ("--aclfile", str(users))
        self.url = f"redis://tidings:{ESCAPED}@127.0.0.1:{self.port}/0"

    def operator(self) -> redis.Redis:
        """Return a client that may do all."""
        return redis.Redis(port=self.port, username="operator", password="hush")

    def start_again(self) -> None:
        """End it in peace, and start it on its data."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(scaled(10))
        self.start()


@pytest.fixture
def store() -> Iterator[OldStore]:
    store = OldStore()
    try:
        store.start()
        with store.operator() as operator:
            operator.execute_command(*granted())
        yield store
    finally:
        store.close()


async def lacking(store: OldStore) -> list[Shortfall]:
    client = open_store(store.url)
    try:
        return await find_shortfalls(client, StoreSettings(store_url=store.url))
    finally:
        await client.aclose()


def doctor(store: OldStore) -> str:
    told = run_tidings("doctor", TIDINGS_STORE_URL=store.url).stdout.splitlines()
    (line,) = [one for one in told if CHECK in one]
    return line


async def test_what_a_store_would_drop_is_named_and_the_line_that_is_given_keeps_it(store: OldStore) -> None:
    write = "redis.call('HSET', KEYS[1], 'f', 'v') redis.call('HSET', KEYS[1], 'g', 'v')", 1, "t:x"
    with store.operator() as operator:
        (found,) = await lacking(store)
        assert (found.check, found.refuses) == (CHECK, False)
        assert doctor(store).startswith("FAIL")
        operator.eval(*write)
        operator.acl_save()
        store.start_again()
        assert operator.exists("t:x") == 0, "this store drops it, or the test says nothing"
        operator.execute_command(*found.do.partition(" (")[0].split())
        operator.acl_save()
        assert await lacking(store) == []
        assert doctor(store).startswith("ok")
        operator.eval(*write)
        store.start_again()
        assert operator.exists("t:x") == 1
        assert operator.acl_list()[0].split()[2] == "off", "no client is the default user for that"


async def test_a_user_that_may_not_ask_starts_and_the_doctor_names_the_rule(store: OldStore) -> None:
    with store.operator() as operator:
        operator.execute_command("ACL", "SETUSER", "tidings", "-acl|dryrun")
        assert await lacking(store) == []
        assert "+acl|dryrun" in doctor(store)
        assert [one for one in operator.acl_log() if one["username"] == "tidings" and one["object"] == "acl"] == []
