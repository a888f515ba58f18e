"""What a store must be, asked when a process starts: what it lacks is a line each, which names what mends it."""

import re
from collections.abc import Iterator

import pytest
import redis
import structlog

from support.store import StoreProcess, one_store, running_store
from support.stores.shortfalls import lacking
from support.system import JOBS
from support.tidings_command import run_tidings
from tidings.settings.settings import StoreSettings
from tidings.store.requirements.start_check import StoreUnsuitableError, require_store
from tidings_server.runtime import ServerRuntime
from tidings_server.settings import ServerSettings


@pytest.fixture(scope="module")
def process() -> Iterator[StoreProcess]:
    with running_store("--maxmemory", "100mb") as store:
        yield store


@pytest.fixture
def admin(process: StoreProcess) -> Iterator[redis.Redis]:
    with redis.Redis(port=process.port, decode_responses=True) as admin:
        yield admin
        admin.config_set("maxmemory-policy", "noeviction")


def calls(admin: redis.Redis) -> dict[str, int]:
    """Return how often the store was sent each command that this module looks at."""
    found = admin.info("commandstats")
    return {name: found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("info", "eval", "config|get")}


@one_store("of a cluster one more thing is asked, how its nodes are configured")
async def test_a_store_that_is_right_lacks_nothing_and_is_asked_in_one_round_trip(
    admin: redis.Redis, process: StoreProcess
) -> None:
    before = calls(admin)
    assert await lacking(StoreSettings(store_url=process.url)) == []
    after = calls(admin)
    assert {name: after[name] - before[name] for name in after} == {
        "info": 2,
        "eval": 1,
        "config|get": 0,
    }  # one is ours


async def test_an_operator_may_allow_a_store_that_evicts(admin: redis.Redis, process: StoreProcess) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    with structlog.testing.capture_logs() as said:
        await require_store(StoreSettings(store_url=process.url, allow_eviction=True))
    assert [(line["event"], line["check"]) for line in said] == [("store_lacks", "store.eviction")]
    with pytest.raises(StoreUnsuitableError):
        await require_store(StoreSettings(store_url=process.url))


@one_store("a line about a cluster names the node")
@pytest.mark.parametrize("command", [("serve",), ("work", str(JOBS))])
def test_a_store_that_evicts_is_refused_in_one_line(
    admin: redis.Redis, process: StoreProcess, command: tuple[str, ...]
) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    done = run_tidings(*command, TIDINGS_STORE_URL=process.url, TIDINGS_PORT="0")
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("tidings: ")]
    assert done.returncode == 3
    assert "cannot be used: allkeys-lru: it deletes acknowledged jobs" in line
    assert "CONFIG SET maxmemory-policy noeviction, and the same in its configuration, or TIDINGS_ALLOW" in line


ALL = "~* &* +@all"


@pytest.mark.parametrize(
    ("rules", "mends"),
    [
        ("-xautoclaim -zpopmin", "+xautoclaim +zpopmin"),
        ("-xgroup -xinfo", "+xinfo|consumers +xinfo|groups +xgroup|create +xgroup|delconsumer"),
        pytest.param(
            "resetchannels &other",
            "+publish +subscribe &t:*",
            marks=one_store("a cluster has commands of its own for channels, and so rules"),
        ),
        ("resetkeys ~other:*", "~t:*"),
        ("-eval", "+eval"),
        ("-fcall -info", "+fcall +info"),
    ],
)
async def test_what_a_user_lacks_is_named_with_the_rule_that_mends_it(
    admin: redis.Redis, process: StoreProcess, rules: str, mends: str
) -> None:
    process.tell(f"ACL SETUSER poor reset on >pw {ALL} {rules}")
    admin.acl_log_reset()
    url = process.url.replace("//", "//poor:pw@")
    (found,) = await lacking(StoreSettings(store_url=url))
    assert (found.check, found.refuses) == ("store.permissions", False)
    (rule,) = re.findall(r"^ACL SETUSER poor [^(]+(?= \(all)", found.do)
    assert rule == f"ACL SETUSER poor {mends}"
    process.tell(rule)
    assert await lacking(StoreSettings(store_url=url)) == [], "the rule is exact"
    if "eval" not in rules and "info" not in rules:
        assert [one for one in admin.acl_log() if "setinfo" not in str(one["object"])] == [], "it only asks"


async def test_a_mounted_server_is_not_ready_on_a_store_that_does_not_do_what_was_asked_for(
    process: StoreProcess,
) -> None:
    runtime = ServerRuntime(ServerSettings(store_url=process.url, durability="fsync"))
    async with runtime.running():
        assert any("CONFIG SET appendfsync always" in one for one in runtime.unready_reasons())
