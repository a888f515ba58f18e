"""Installations with key prefixes of their own in one store: neither sees, hears or touches what is the other's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx
import pytest
import redis

from support.credential import JWT_SERVER, bearer, token
from support.peer import peer
from support.store import StoreProcess, running_store
from support.system import ServerProcess, WorkerProcess, running_server, running_worker
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.settings.settings import SettingsError, StoreSettings, from_env
from tidings.testing import World
from tidings.webhook import new_secret
from webhook.receiver import running_receiver

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/reference/stores.md").read_text()
KINDS = str(Path(__file__).with_name("prefix_kinds.py"))

SETTINGS = {"TIDINGS_WEBHOOK_HTTP": "true", "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1", "TIDINGS_CHRONICLE": "100"}
PING = " open_store(url)"
"""In `check_store`, which only asks whether a store answers."""

SCOPES = "submit watch cancel feed admin"
OF_WORKERS = {
    "TIDINGS_WEBHOOKS": "true",
    "TIDINGS_WEBHOOK_SECRETS": new_secret(),
    "TIDINGS_SWEEP_S": "0.2",
    "TIDINGS_HEARTBEAT_S": "0.3",
}


ADMIN = (
    "overview",
    "series",
    "audit",
    "webhooks",
    "webhooks/places",
    "sagas",
    "kinds/changes",
    "groups",
    "dead",
    "jobs",
)
ME = bearer(token(scope=SCOPES))


def granted(prefix: str, *more: str) -> list[str]:
    """Return the reference's line for a user of one prefix, as the arguments of one command."""
    (line,) = re.findall(r"^ACL SETUSER acme .*$", GUIDE, re.MULTILINE)
    return [*re.sub(r"\bacme\b", prefix, line).replace(">PASSWORD", ">pw").split(), *more]


class Installation(NamedTuple):
    """A server and a worker under one prefix, as a user of the store who may use nothing else."""

    prefix: str
    store_url: str
    server: ServerProcess
    worker: WorkerProcess

    def tidings(self, *arguments: str) -> str:
        """Run a command of its operator or its client; return what it prints."""
        environment = {"TIDINGS_STORE_URL": self.store_url, "TIDINGS_KEY_PREFIX": self.prefix, **SETTINGS}
        done = run_tidings(*arguments, TIDINGS_URL=self.server.url, **environment)
        assert done.returncode == 0, (arguments, done.stdout + done.stderr)
        return done.stdout

    def lines(self, *arguments: str) -> list[Any]:
        """Return the objects that such a command prints, one a line."""
        return [json.loads(line) for line in self.tidings(*arguments, "--json").splitlines()]


def started(store: StoreProcess, prefix: str) -> Installation:
    with redis.Redis(port=store.port) as admin:
        admin.execute_command(*granted(prefix, *(["+cluster|slots", "+asking"] if store.clustered else [])))
    url = store.url.replace("://", f"://{prefix}:pw@")
    settings = {"TIDINGS_KEY_PREFIX": prefix, **SETTINGS}
    worker = WorkerProcess(url, KINDS, **settings, **OF_WORKERS)
    server = ServerProcess(url, token(scope=SCOPES), **JWT_SERVER, **settings)
    return Installation(prefix, url, server, worker)


@pytest.fixture(scope="module")
def store() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


@pytest.fixture(scope="module")
def both(store: StoreProcess) -> Iterator[tuple[Installation, Installation]]:
    found = started(store, "acme"), started(store, "Ac-me_2.x")
    try:
        for one in found:
            one.server.wait_until_ready(kinds=8)
        yield found
    finally:
        for one in found:
            one.server.close()
            one.worker.close()


def names(store: StoreProcess) -> set[str]:
    """Return the name of every key, and of every channel to which a process listens."""
    with redis.Redis(port=store.port, decode_responses=True) as admin:
        channels: Any = admin.execute_command("PUBSUB", "SHARDCHANNELS" if store.clustered else "CHANNELS")
        return {*admin.scan_iter(count=1000), *channels}


async def use(one: Installation) -> str:
    """Use nearly all there is, and return the token of a job."""
    with running_receiver() as receiver:
        async with (
            peer(one.server.socket_url, additional_headers=ME) as client,
            httpx.AsyncClient(base_url=one.server.url, headers=ME, timeout=scaled(15)) as http,
        ):
            assert (await client.run("words"))[-1]["event"] == "succeeded"
            assert (await client.run("again"))[-1]["event"] == "succeeded"
            assert (await client.run("refuse"))[-1]["event"] == "failed"
            assert (await client.run("bound", {"name": "a"}, key="k", tags=["x"]))[-1]["event"] == "succeeded"
            await client.submit("buy", watch=True)
            cancelled = (await client.submit("trip", watch=True))["token"]
            await client.until(cancelled, "step")
            await client.cancel(cancelled)
            trip = (await client.submit("trip", watch=True))["token"]
            assert (await http.post(f"/v1/jobs/{trip}/signals/go", json=7)).status_code < 300
            assert (await client.until(trip))[-1]["data"]["result"] == 7
            told = {"url": receiver.url}
            work = (await client.submit("work", {"text": "unwanted"}, watch=True, webhook=told))["token"]
            assert (await client.until(work))[-1]["event"] == "succeeded"
            assert (await http.get("/v1/jobs")).status_code == 200
            assert (await http.post("/v1/tickets")).status_code == 201
            assert (await http.get(f"/v1/jobs/{work}/deliveries")).status_code == 200
            for path in ADMIN:
                assert (await http.get(f"/v1/admin/{path}")).status_code == 200, path
            receiver.wait_for()
    return str(work)


def operate(one: Installation) -> None:
    """Use the commands of operators."""
    letter = next(found for found in one.lines("dead", "list") if found["kind"] == "refuse")
    one.tidings("dead", "show", letter["token"])
    one.tidings("pause", "default")
    one.tidings("resume", "default")
    one.tidings("breaker", "open", "shop")
    assert ("shop", "open") in [(found["name"], found["state"]) for found in one.lines("breaker", "list")]
    one.tidings("partitions", "default", "2")
    for command in ("kinds list", "saga list", "events list", "webhook list --state done", "top --once"):
        one.tidings(*command.split())


async def test_two_installations_in_one_store_share_no_key_and_no_channel(
    store: StoreProcess, both: tuple[Installation, Installation]
) -> None:
    one, other = both
    with redis.Redis(port=store.port) as admin:
        admin.acl_log_reset()
    token = await use(one)
    await anyio.to_thread.run_sync(operate, one)

    # The other, of which the same kinds and queues have the same names, knows nothing of it.
    assert other.server.get(f"/v1/jobs/{token}")[0] == 404
    assert other.server.get("/v1/jobs")[1]["jobs"] == []
    assert other.server.get("/v1/admin/audit")[1]["entries"] == []
    status = json.loads(other.tidings("status", "--json"))
    assert (status["key_prefix"], len(status["workers"])) == (other.prefix, 1)
    assert json.loads(other.tidings("top", "--json"))["key_prefix"] == other.prefix
    assert f"UTC   key prefix {other.prefix}   1 worker" in other.tidings("top", "--once")
    assert {found["dead"] for found in status["queues"]} == {0}
    assert (status["paused"], status["sagas"], {found["queue"] for found in status["queues"]}) == ([], [], {"default"})
    assert other.lines("dead", "list") == other.lines("breaker", "list") == []
    assert token not in other.tidings("webhook", "list", "--state", "done", "--json")

    # What it does then under the same keys and unique values is its own.
    async with peer(other.server.socket_url, additional_headers=ME) as client:
        ack = await client.submit("bound", {"name": "a"}, key="k", watch=True)
        assert not ack.get("duplicate")
        assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"
    await use(other)
    await anyio.to_thread.run_sync(operate, other)

    found = names(store)
    roots = {prefix: {name for name in found if name.startswith(f"{prefix}:{{")} for prefix in ("acme", "Ac-me_2.x")}
    assert found - set().union(*roots.values()) == set()
    for of in roots.values():  # neither has been missed by the test
        sorts = {re.sub(r"^.*?\}:([\w-]+).*$", r"\1", name) for name in of}
        assert {"job", "log", "chunks", "steps", "events", "group", "webhook-of", "owned", "key", "recurring"} <= sorts
        assert {"audit", "breaker", "dead", "placements", "inbox", "orders", "due", "probe", "kinds-changed"} <= sorts
    with redis.Redis(port=store.port) as admin:
        assert [(entry["object"], entry["username"]) for entry in admin.acl_log()] == []
    for installation in both:
        for process in (installation.server, installation.worker):
            assert "store_denies" not in process.text()
            assert "store_lacks" not in process.text()


async def test_an_event_of_one_installation_reaches_no_group_of_another(
    store: StoreProcess, both: tuple[Installation, Installation], tmp_path: Path
) -> None:
    """The store keeps for a second what each partition's groups follow: for each installation by itself."""
    one, _ = both
    with redis.Redis(port=store.port) as admin:
        admin.execute_command(*granted("third", *(["+cluster|slots", "+asking"] if store.clustered else [])))
    url = store.url.replace("://", "://third:pw@")
    kinds = tmp_path / "kinds.py"
    kinds.write_text("from tidings import job\n\n\n@job\nasync def work() -> None: ...\n")
    third = {"TIDINGS_KEY_PREFIX": "third"}
    with running_worker(url, str(kinds), **third), running_server(url, kinds=1, **third) as server:
        async with peer(one.server.socket_url, additional_headers=ME) as first, peer(server.socket_url) as second:
            for _ in range(5):
                assert (await first.run("work"))[-1]["event"] == "succeeded"
                assert (await second.run("work"))[-1]["event"] == "succeeded"
    assert not {name for name in names(store) if name.startswith("third:{default}:event")}


def test_no_process_makes_names_or_opens_a_store_without_its_prefix() -> None:
    """What did would work in each test of the default, and look at another installation's jobs in production."""
    files = [path for package in ("core", "server", "worker") for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 300
    made = [path.name for path in files if "StoreKeys()" in path.read_text()]
    calls = [(path.name, call) for path in files for call in re.findall(r"[ (]open_store\([^)]+\)", path.read_text())]
    assert (made, [place for place in calls if "key_prefix" not in place[1]]) == ([], [("store_client.py", PING)])


def test_status_and_doctor_name_a_prefix_that_is_not_the_default(both: tuple[Installation, Installation]) -> None:
    one, _ = both
    assert one.tidings("status").splitlines()[0] == "Key prefix: acme"
    assert one.tidings("doctor").splitlines()[0].endswith(", key prefix acme")
    lone = run_tidings("doctor", "--key-prefix", "acme-too", TIDINGS_STORE_URL=one.store_url.replace("acme:pw@", ""))
    assert "no worker lives under the key prefix acme-too -> start one with the same TIDINGS_KEY_PREFIX" in lone.stdout
    plain = run_tidings("status", TIDINGS_STORE_URL=one.store_url.replace("acme:pw@", ""))
    assert "prefix" not in plain.stdout


def test_what_a_user_of_another_prefix_lacks_is_named_with_the_prefix(
    store: StoreProcess, both: tuple[Installation, Installation]
) -> None:
    one, _ = both
    done = run_tidings("doctor", "--key-prefix", "elsewhere", TIDINGS_STORE_URL=one.store_url)
    assert done.returncode == 1
    assert "keys ~elsewhere:*, channels &elsewhere:*" in done.stdout
    assert both[1].tidings("doctor")


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("", "it is empty; leave the setting out for the default, 't'"),
        ("a" * 33, "it has 33 characters; at most 32"),
        ("a:b", "it holds ':'"),
        ("{a}", "it holds '{'"),
        ("a*", "it holds '*'"),
        ("a b", "it holds ' '"),
        ("é", "it holds 'é'"),
        ("a\n", r"it holds '\n'"),
        ("db3", "so begin the channels of installations in the store's other databases"),
    ],
)
def test_what_cannot_be_a_prefix_is_refused_with_the_reason(prefix: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        from_env(StoreSettings, {"TIDINGS_KEY_PREFIX": prefix})
    assert str(refused.value).startswith(f"TIDINGS_KEY_PREFIX is {prefix!r}: {says}")


@pytest.mark.parametrize("command", ["serve", "work", "status"])
def test_a_process_under_what_cannot_be_a_prefix_ends_with_one_line(command: str) -> None:
    modules = [KINDS] if command == "work" else []
    done = run_tidings(command, *modules, TIDINGS_KEY_PREFIX="a:b", TIDINGS_STORE_URL="redis://127.0.0.1:1/0")
    (line,) = done.stderr.splitlines()
    assert line.startswith("tidings: TIDINGS_KEY_PREFIX is 'a:b': it holds ':'"), line
    assert done.returncode == 2


async def test_a_test_may_set_the_prefix() -> None:
    async with World(KINDS, key_prefix="Mine") as world:
        job = await world.submit("work", text="a")
        assert job.result == "a"
