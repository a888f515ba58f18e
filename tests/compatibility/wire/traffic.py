"""What a real system says over every transport, and what it stores, by what it is an answer to.

One server, one worker and one store play everything once.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import redis
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from compatibility.wire.masking import masked
from compatibility.wire.recorder import Recorder, Socket
from compatibility.wire.spoken import event_lines, speak_over_http, speak_to_socket
from compatibility.wire.stored_content import stored_content
from support.credential import JWT_SERVER, bearer, token
from support.store import running_store
from support.system import System
from support.timeouts import scaled
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.registry import Registry
from tidings_server.openapi.operations import OPERATIONS
from webhook.receiver import Receiver, running_receiver

KIND_COUNT = 12
KINDS = str(Path(__file__).with_name("wire_kinds.py"))
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
EVERYTHING = "submit watch cancel feed admin delegate"


async def record(python_path: Path | None = None) -> Recorder:
    """Play everything, and return what was said.

    Args:
        python_path: where the packages of server and worker are; None: those of this checkout.

    """
    release = {} if python_path is None else {"PYTHONPATH": str(python_path)}
    recorder = Recorder()
    for code, fixed in _problems(release).items():
        recorder.keep("problems", code, fixed)
    with running_store() as store, running_receiver() as receiver:
        system = System(store)
        try:
            await _register_before(store.url)
            system.add_worker(KINDS, TIDINGS_NAME="w", TIDINGS_MAX_RESULT_BYTES="100000", **_WORKER, **release)
            system.add_server(token(scope=EVERYTHING), **JWT_SERVER, **_SERVER, **release)
            system.server.wait_until_ready(KIND_COUNT)  # one was there before the worker
            await _play(recorder, system, receiver)
        finally:
            system.close()
    return recorder


async def _register_before(url: str) -> None:
    """Register another record of a kind than the worker will, so that the store keeps one that was replaced."""
    store = open_store(url)
    try:
        before = KindRecord(kind="work", input=msgspec.Raw(b'{"type": "null"}'), result=msgspec.Raw(b"null"))
        await Registry(store, StoreKeys()).register([before])
    finally:
        await store.aclose()


def _problems(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return a release's table of problems: few of them can be had of a system that works."""
    program = (
        "import json; from tidings.protocol.problems import CODES, TYPE_PREFIX;"
        "print(json.dumps({c: {**p._asdict(), 'type': TYPE_PREFIX + c} for c, p in CODES.items()}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


_BOTH = {"TIDINGS_WEBHOOK_HTTP": "true", "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1"}
_WORKER = {
    **_BOTH, "TIDINGS_WEBHOOKS": "true", "TIDINGS_WEBHOOK_SECRETS": SECRET, "TIDINGS_SAGA_DIVERGED": "hold",
    "TIDINGS_SCHEMA_CHECK": "warn",
}  # fmt: skip
_SERVER = {**_BOTH, "TIDINGS_ALIVE_AFTER_S": "1", "TIDINGS_DRAIN_S": "0.2", "TIDINGS_MAX_WATCHES": "20"}


async def _play(recorder: Recorder, system: System, receiver: Receiver) -> None:
    url = system.server.url
    async with httpx.AsyncClient(base_url=url, timeout=scaled(30), headers=bearer(token(scope=EVERYTHING))) as http:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_outlive_grant(recorder, system))
            tasks.create_task(_sign_out(recorder, system))
            tasks.create_task(_alive(recorder, system))
            await _socket(recorder, system, receiver)
            await _http(recorder, http, url)
        await _streams(recorder, http)
        await speak_over_http(recorder, http)
        _webhooks(recorder, receiver)
        with redis.Redis.from_url(system.store.url) as store:
            for name, of in stored_content(store).items():
                recorder.keep("store", name, of)
    async with _open(recorder, system) as socket:
        system.server.process.terminate()
        await socket.goodbye("drain")


@asynccontextmanager
async def _open(recorder: Recorder, system: System, **claims: Any) -> AsyncIterator[Socket]:
    headers = bearer(token(**{"scope": EVERYTHING, **claims}))
    protocols = [Subprotocol(SUBPROTOCOL)]
    async with connect(system.server.socket_url, subprotocols=protocols, additional_headers=headers) as connection:
        socket = Socket(recorder, connection)
        await socket.receive()
        yield socket


async def _outlive_grant(recorder: Recorder, system: System) -> None:
    """A grant that runs out."""
    async with _open(recorder, system) as owner:
        wish = {"may": ["watch"], "ttl": 6}
        ack = await owner.ask("grant for a page", "submit", kind="endless", input={}, grant=wish)
        await owner.until(ack["token"], "progress")
        async with _open(recorder, system, sub="bob", scope="watch") as page:
            await page.ask("watch by a grant", "watch", token=ack["token"], grant=ack["grant"]["grant"])
            while (await page.receive()).get("problem", {}).get("code") != "grant_expired":
                pass
        await owner.ask("cancel", "cancel", token=ack["token"])


async def _sign_out(recorder: Recorder, system: System) -> None:
    """A credential that runs out."""
    async with connect(system.server.socket_url, subprotocols=[Subprotocol(SUBPROTOCOL)]) as connection:
        socket = Socket(recorder, connection)
        socket.step = "no credential yet"
        await socket.receive()
        now = int(time.time())
        await socket.ask("authenticate", "auth", credential=token(scope="watch", iat=now, exp=now + 6))
        await socket.goodbye("credential runs out")


async def _alive(recorder: Recorder, system: System) -> None:
    async with _open(recorder, system) as socket:
        socket.step = "silence"
        while (await socket.receive())["type"] != "alive":
            pass


async def _socket(recorder: Recorder, system: System, receiver: Receiver) -> None:
    async with _open(recorder, system) as socket:
        await socket.ask("ping", "ping")
        full: dict[str, Any] = {
            "key": "k",
            "correlation_id": "c 1",
            "tags": ["order:7"],
            "priority": 1,
            "deadline": 600,
            "tier": "standard",
            "queue": "default",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "tracestate": "a=b",
            "grant": True,
            "webhook": {"url": receiver.url + "/plain", "events": ["started", "succeeded"], "id": "w1"},
        }
        done = await socket.run("submit with everything", "work", input={"text": "a"}, **full)
        cloud = {"url": receiver.url + "/cloud", "format": "cloudevents"}
        await socket.run("submit with a webhook", "work", webhook=cloud)
        await socket.ask("submit again", "submit", kind="work", input={"text": "a"}, **{**full, "watch": False})
        await socket.ask("submit the key with other words", "submit", kind="work", input={"text": "b"}, key="k")
        await socket.ask("submit for later", "submit", kind="work", input={}, delay=3_600, tags=["order:7"])
        await socket.run("retry", "again")
        await socket.run("reject", "reject")
        await socket.run("break down", "break_down")
        await socket.run("use up the attempts", "never")
        await socket.run("take too long", "slow")
        await socket.run("return too much", "large")
        late = await socket.ask("pass the deadline", "submit", kind="work", input={}, delay=60, deadline=0.2)
        await socket.until(late["token"])
        endless = await socket.run("run", "endless", until="progress")
        await socket.ask("cancel", "cancel", token=endless)
        await socket.until(endless)
        for step, fail in (("saga", False), ("saga that fails", True)):
            saga = await socket.run(step, "approve", until="waiting", input={"fail": fail})
            await socket.ask(f"{step}: signal", "signal", token=saga, name="go", input={"by": "ann"})
            await socket.until(saga)
            await socket.ask(f"{step}: watch", "watch", token=saga)
            await socket.ask(f"{step}: unwatch", "unwatch", token=saga)
        await socket.ask("watch what has ended", "watch", token=done)
        await socket.ask("cancel what has ended", "cancel", token=done)
        await socket.ask("watch a stranger's", "watch", token="default." + "B" * 22)
        await socket.ask("follow", "follow", tag="order:7")
        await socket.ask("unfollow", "unfollow", tag="order:7")
        await socket.ask("ask for a grant", "grant", token=done, may=["watch"], ttl=60)
        await socket.ask("observe", "observe")
        while (await socket.receive())["type"] != "overview":
            pass
        await socket.ask("unobserve", "unobserve")
        await socket.ask("unknown kind", "submit", kind="nothing", input={})
        await socket.ask("bad input", "submit", kind="work", input={"text": 1})
        await socket.ask("unknown type", "levitate")
        saga = await socket.run("saga that does not fit", "changed", until="waiting")
        ref = await socket.send("saga that does not fit: signal", "signal", token=saga, name="go", input={"by": "ann"})
        left = {"done", "waiting"}
        while left:
            frame = await socket.receive()
            left -= {frame["event"]} if frame.get("token") == saga else {"done"} if frame.get("ref") == ref else set()
        await socket.ask("saga that does not fit: watch", "watch", token=saga)
        await speak_to_socket(socket)
        await socket.raw("no JSON", "{")


async def _http(recorder: Recorder, http: httpx.AsyncClient, url: str) -> None:
    job = {"kind": "work", "input": {"text": "a"}}
    ack = recorder.answer("submit", await http.post("/v1/jobs", json={**job, "tags": ["order:8"], "grant": True}))
    place = f"/v1/jobs/{ack['token']}"
    waited = recorder.answer("submit and wait", await http.post("/v1/jobs", json=job, headers={"prefer": "wait=20"}))
    done = f"/v1/jobs/{waited['token']}"
    recorder.answer(
        "submit many", await http.post("/v1/jobs/batch", json=[job, {"kind": "work", "input": {"text": 1}}])
    )
    looked = await http.get(done)
    recorder.answer("look", looked)
    seen = {"if-none-match": looked.headers["etag"]}
    recorder.answer("look again", await http.get(done, headers=seen))
    recorder.answer("wait for news", await http.get(done, headers={**seen, "prefer": "wait=0"}))
    later = (await http.post("/v1/jobs", json={**job, "delay": 600})).json()["token"]
    recorder.answer("cancel", await http.delete(f"/v1/jobs/{later}"))
    recorder.answer("cancel what has ended", await http.delete(done))
    recorder.answer("signal what has ended", await http.post(f"{done}/signals/go", json=1))
    recorder.answer("list", await http.get("/v1/jobs", params={"tag": "order:8"}), only_shape=True)
    recorder.answer("list deliveries", await http.get(f"{place}/deliveries"))
    recorder.answer("forget", await http.delete(done, params={"forget": "true"}))
    recorder.answer("kinds", await http.get("/v1/kinds"), only_shape=True)
    recorder.answer("ticket", await http.post("/v1/tickets"))
    recorder.answer("grant", await http.post("/v1/grants", json={"token": ack["token"]}))
    recorder.answer("schema", await http.get("/v1/schemas/Ping"))
    recorder.answer("schemas", await http.get("/v1/schemas"))
    recorder.answer("healthz", await http.get("/healthz"))
    recorder.answer("readyz", await http.get("/readyz"), only_shape=True)
    await _refusals(recorder, http, url, job)
    for method, path in OPERATIONS:
        if method == "get" and path.startswith("/v1/admin/"):
            answer = await http.get(path.replace("{token}", ack["token"]))
            recorder.answer(path, answer, only_shape=True)


async def _refusals(recorder: Recorder, http: httpx.AsyncClient, url: str, job: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=scaled(30)) as stranger:
        recorder.answer("no credential", await stranger.get("/v1/kinds"))
        lesser = bearer(token(scope="watch"))
        recorder.answer("not allowed", await stranger.post("/v1/jobs", json=job, headers=lesser))
    recorder.answer("no JSON", await http.post("/v1/jobs", content=b"{"))
    recorder.answer("unknown field", await http.post("/v1/jobs", json={**job, "dellay": 1}))
    recorder.answer("bad input", await http.post("/v1/jobs", json={"kind": "work", "input": {"text": 1}}))
    recorder.answer("unknown kind", await http.post("/v1/jobs", json={"kind": "nothing", "input": {}}))
    recorder.answer("too large", await http.post("/v1/jobs", content=b"x" * 1_100_000))
    recorder.answer("unknown token", await http.get("/v1/jobs/default." + "B" * 22))
    recorder.answer("unknown schema", await http.get("/v1/schemas/Nothing"))
    recorder.answer("unknown path", await http.get("/v1/nothing"))
    recorder.answer("unknown method", await http.put("/v1/jobs"))


async def _streams(recorder: Recorder, http: httpx.AsyncClient) -> None:
    job = {"kind": "work", "input": {"text": "s"}, "tags": ["order:9"]}
    done = (await http.post("/v1/jobs", json=job, headers={"prefer": "wait=20"})).json()
    token_ = done["token"]
    for name, path in (
        ("a job from its beginning", f"/v1/jobs/{token_}/events"),
        ("a job from its last event but one", f"/v1/jobs/{token_}/events?after={done['seq'] - 1}"),
        ("several jobs", f"/v1/events?token={token_}"),
    ):
        recorder.keep("streams", name, event_lines((await http.get(path)).text))
    for name, path in (
        ("feed", "/v1/feed?kind=work&after=start"),
        ("tag", "/v1/events?tag=order:9&since=2026-01-01T00:00:00Z"),
    ):
        recorder.keep("streams", name, await _first_blocks(http, path))


async def _first_blocks(http: httpx.AsyncClient, path: str) -> list[Any]:
    """Return what a stream without an end begins with: up to the first end of a job."""
    text = ""
    async with http.stream("GET", path) as answer, asyncio.timeout(scaled(20)):
        async for chunk in answer.aiter_text():
            text += chunk
            head, found, _ = text.partition("event: succeeded\n")
            if found and text.endswith("\n\n"):
                return event_lines(head + text[len(head) :].partition("\n\n")[0])
    raise AssertionError(text)


def _webhooks(recorder: Recorder, receiver: Receiver) -> None:
    for one in receiver.wait_for(3):
        headers = {
            name: value
            for name, value in one.headers.items()
            if name not in ("host", "content-length", "accept-encoding")
        }
        type_ = one.message["type"]
        recorder.keep("webhooks", f"{one.path} {type_}", {"headers": masked(headers), "body": masked(one.message)})
