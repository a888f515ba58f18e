"""A process does not start with a store that cannot keep what `TIDINGS_DURABILITY` promises."""

from collections.abc import Iterator

import pytest
import redis

from support.store import StoreProcess, running_store
from support.stores.replicas import replicated_store
from support.stores.shortfalls import lacking
from support.system import JOBS
from support.tidings_command import run_tidings
from tidings.settings.settings import StoreSettings
from tidings.store.requirements.start_check import StoreUnsuitableError, require_store


@pytest.fixture(scope="module")
def careful() -> Iterator[StoreProcess]:
    with running_store("--appendfsync", "always") as store:
        yield store


@pytest.fixture
def admin(careful: StoreProcess) -> Iterator[redis.Redis]:
    with redis.Redis(port=careful.port) as admin:
        yield admin
        admin.config_set("appendfsync", "always")
        admin.config_set("appendonly", "yes")


def fsync(url: str) -> StoreSettings:
    return StoreSettings(store_url=url, durability="fsync")


async def test_a_store_that_writes_before_it_answers_is_taken(careful: StoreProcess) -> None:
    await require_store(fsync(careful.url))


@pytest.mark.parametrize(
    ("name", "value", "obey"),
    [
        ("appendfsync", "everysec", "CONFIG SET appendfsync always"),
        ("appendonly", "no", "CONFIG SET appendonly yes"),
    ],
)
async def test_a_store_that_answers_first_is_refused_in_one_line(
    careful: StoreProcess, admin: redis.Redis, name: str, value: str, obey: str
) -> None:
    admin.config_set(name, value)
    with pytest.raises(StoreUnsuitableError) as refused:
        await require_store(fsync(careful.url))
    said = str(refused.value)
    assert f"is set to {name} {value}: {obey}, and the same in its configuration" in said
    assert len(said.splitlines()) == 1
    await require_store(StoreSettings(store_url=careful.url))


@pytest.mark.parametrize("command", [("serve",), ("work", str(JOBS))])
def test_server_and_worker_end_with_the_line(
    careful: StoreProcess, admin: redis.Redis, command: tuple[str, ...]
) -> None:
    admin.config_set("appendfsync", "everysec")
    done = run_tidings(*command, TIDINGS_STORE_URL=careful.url, TIDINGS_DURABILITY="fsync", TIDINGS_PORT="0")
    assert done.returncode == 3, done
    assert done.stderr.count("CONFIG SET appendfsync always") == 1, done


def test_the_doctor_finds_the_same(careful: StoreProcess, admin: redis.Redis) -> None:
    admin.config_set("appendfsync", "everysec")
    told = run_tidings("doctor", TIDINGS_STORE_URL=careful.url, TIDINGS_DURABILITY="fsync")
    assert "CONFIG SET appendfsync always" in told.stdout, told
    assert "TIDINGS_DURABILITY is memory" in run_tidings("doctor", TIDINGS_STORE_URL=careful.url).stdout


async def test_where_the_user_may_not_ask_the_operator_is_warned(careful: StoreProcess) -> None:
    careful.tell("ACL SETUSER poor reset on >pw ~* &* +@all -config -info")
    url = careful.url.replace("//", "//poor:pw@")
    (one,) = [one for one in await lacking(fsync(url)) if one.check == "store.durability"]
    assert (one.refuses, "+config|get" in one.do) == (False, True)


async def test_replicas_that_are_too_few_or_too_many_are_warned_of() -> None:
    with replicated_store(1) as stores:
        url = stores.primary.url
        for wanted, says in ((2, "1 replicas follow the store: no call"), (1, "")):
            settings = StoreSettings(store_url=url, durability="replicated", replicas=wanted)
            found = await lacking(settings)
            assert [says in one.says and not one.refuses for one in found] == [True] * bool(says)
