"""What lies in the store is not trusted: no record that a worker, or anything else, wrote may end a server."""

from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import msgspec
import pytest
import redis

from support.store import running_store
from support.system import ServerProcess, WorkerProcess
from support.timeouts import scaled
from tidings.store.keys import StoreKeys

KEYS = StoreKeys()

DEEP: dict[str, Any] = {}
for _ in range(60):
    DEEP = {"properties": {"a": DEEP}}

DOUBLING = {
    f"d{number}": {"anyOf": [{"$ref": (after := f"#/$defs/d{number + 1}")}, {"not": {"$ref": after}}]}
    for number in range(40)
} | {"d40": {}}


def record(name: str, schema: Any = None, **more: Any) -> bytes:
    return msgspec.json.encode({"kind": name, "input": {} if schema is None else schema, "result": None, **more})


PATTERNS = [
    r"\AX\Z",
    r"(?P<n>a)(?P=n)",
    r"(?>a)b",
    r"\N{BULLET}",
    "a{,3}",
    "(",
    "(?#c)a",
    "(?:(?:a{1000}){1000}){1000}",
]

FIELDS: dict[str, bytes] = {
    **{f"pattern{n}": record(f"pattern{n}", {"properties": {"a": {"pattern": p}}}) for n, p in enumerate(PATTERNS)},
    "no_json": b"{",
    "empty": b"",
    "a_number": b"7",
    "no_text": b"\xff\xfe",
    "nested": b"[" * 100_000,
    "wrong_type": record("wrong_type", retries="many"),
    "another_name": record("other"),
    "no_schema": record("no_schema", [1]),
    "false_schema": record("false_schema", {"type": "wrong"}),
    "reference": record("reference", {"$ref": "#/$defs/none"}),
    "far_reference": record("far_reference", {"$ref": "http://127.0.0.1:9/x"}),
    "file_reference": record("file_reference", {"$ref": "file:///etc/passwd"}),
    "other_meta": record("other_meta", {"$schema": "http://127.0.0.1:9/meta"}),
    "deep": record("deep", DEEP),
    "doubling": record("doubling", {"$ref": "#/$defs/d0", "$defs": DOUBLING}),
    "large": record("large", {"description": "x" * 600_000}),
    "template": record("template", unique="{a"),
    "template_field": record("template_field", unique="{a.b}"),
    "template_circle": record(
        "template_circle", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, unique="{a}"
    ),
    "limit_by": record("limit_by", limit=1, limit_by="{no}"),
    "route": record("route", route={"field": "no pointer", "above": 1, "then": "a", "otherwise": "b"}),
    "route_of_tomorrow": record("route_of_tomorrow", route={"by": ["a"]}),
    "queue": record("queue", queue="no queue!"),
    "unbounded": record("unbounded", unique_for=1e308),
    "far_eta": record("far_eta", max_eta=1e300),
    "old": record("old", version=-(2**70)),
    "breaker": record("breaker", breaker="a b\nc"),
}


def metric(server: ServerProcess, name: str) -> float:
    with urlopen(server.url + "/metrics", timeout=scaled(10)) as page:
        lines = page.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name + " ")))


def submit(server: ServerProcess) -> int:
    body = msgspec.json.encode({"kind": "echo", "input": {"text": "x"}})
    with urlopen(server.url + "/v1/jobs", data=body, timeout=scaled(10)) as answer:
        return int(answer.status)


@pytest.fixture(scope="module")
def store() -> Iterator[redis.Redis]:
    """A store with a kind that is served, and a lot that is not to be read."""
    with running_store() as process, redis.Redis.from_url(process.url) as client:
        client.hset(KEYS.kinds, mapping=dict(FIELDS))
        client.hset(KEYS.kinds, b"\xff\xff", b"{}")
        client.zadd(KEYS.workers, {"w": 4e15, b"\xff": 4e15})
        client.set(KEYS.worker("w"), b"{")
        client.hset(KEYS.paused, mapping={"q": b"{", b"\xff": b"7"})
        client.hset(KEYS.objectives, mapping={"echo": b"{", b"\xff": b"7"})
        client.sadd(KEYS.breakers, "b", b"\xff")
        client.set(KEYS.breaker("b"), b"\xc1")
        client.xadd(KEYS.audit, {"who": b"\xff", "unknown": "x"})
        client.hset(KEYS.kinds, "echo", record("echo", {"type": "object"}))
        client.info_url = process.url
        yield client


@pytest.fixture(scope="module")
def server(store: Any) -> Iterator[ServerProcess]:
    server = ServerProcess(store.info_url)
    try:
        yield server.wait_until_ready(kinds=1)
    finally:
        server.close()


def test_a_server_leaves_out_what_it_cannot_use_and_serves_the_rest(server: ServerProcess) -> None:
    assert [kind["kind"] for kind in server.get("/v1/kinds")[1]["kinds"]] == ["echo"]
    assert submit(server) == 202
    assert metric(server, "tidings_kinds_left_out") == len(FIELDS) + 1


def test_it_says_so_once_for_each(server: ServerProcess, store: redis.Redis) -> None:
    store.hset(KEYS.kinds, "fresh", record("fresh"))
    store.publish(KEYS.kinds_changed, "fresh")
    server.wait_until_ready(kinds=2)
    lines = [line for line in server.text().splitlines() if "kind_left_out" in line]
    assert len(lines) == len(FIELDS) + 1
    (line,) = (line for line in lines if '"pattern0"' in line)
    assert "AX" in line


def test_a_submission_of_such_a_kind_is_told_where_to_look(server: ServerProcess) -> None:
    body = msgspec.json.encode({"kind": "pattern0", "input": {}})
    with pytest.raises(Exception, match="404") as refused:
        urlopen(server.url + "/v1/jobs", data=body, timeout=scaled(10))
    assert "cannot be used" in refused.value.read().decode()  # type: ignore[attr-defined]


def test_what_operators_look_at_is_shown_without_what_cannot_be_read(server: ServerProcess) -> None:
    for path in ("overview", "objectives", "audit", "connections", "dead", "jobs"):
        status, answer = server.get(f"/v1/admin/{path}")
        assert status == 200, answer


def test_a_message_that_cannot_be_read_ends_nothing(server: ServerProcess, store: redis.Redis) -> None:
    before = len(server.get("/v1/kinds")[1]["kinds"])
    for channel in store.pubsub_channels():
        for data in (b"", b"\xff", b"[]", b"\xc1", b"[[1]]", b"{"):
            store.publish(channel, data)
    store.hset(KEYS.kinds, "later", record("later"))
    store.publish(KEYS.kinds_changed, "later")
    server.wait_until_ready(kinds=before + 1)
    assert submit(server) == 202


def test_a_worker_starts_beside_such_records(store: Any, server: ServerProcess) -> None:
    # What stands there of a kind of its own is another schema, at which it would refuse to start.
    worker = WorkerProcess(store.info_url, TIDINGS_SCHEMA_CHECK="warn")
    try:
        server.wait_until_ready(kinds=10)
        for channel in store.pubsub_channels():
            for data in (b"\xff", b"\xc1", b"[]"):
                store.publish(channel, data)
        assert submit(server) == 202
        assert worker.process.poll() is None, worker.text()
    finally:
        worker.close()
