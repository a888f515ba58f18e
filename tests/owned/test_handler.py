"""Owner and tags where the job runs: in the handler's context, in log lines, in a saga's children."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import redis

from support.credential import JWT_SERVER, bearer, token
from support.handlers import owned_kinds
from support.system import System, system_fixture
from support.timeouts import scaled

system = system_fixture(
    str(Path(str(owned_kinds.__file__))), credential=token, server=JWT_SERVER, both={"TIDINGS_LOG_FORMAT": "json"}
)

Http = httpx.AsyncClient


@pytest.fixture
async def http(system: System) -> AsyncIterator[Http]:
    headers = {**bearer(token("zoe")), "prefer": "wait=30"}
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(40), headers=headers) as http:
        yield http


@pytest.mark.parametrize("kind", ["whose", "whose_in_thread", "whose_in_process"])
async def test_a_handler_and_its_log_lines_know_owner_and_tags(http: Http, system: System, kind: str) -> None:
    for tags in (["red", "b"], []):
        ended = (await http.post("/v1/jobs", json={"kind": kind, "input": {}, "tags": tags})).json()
        assert ended["result"] == {"owner": "zoe", "tags": tags}
        lines = [
            json.loads(line) for line in system.workers[0].text().splitlines() if '"theirs"' in line or "in " in line
        ]
        (line,) = [line for line in lines if line.get("token") == ended["token"]]
        assert (line["owner"], line.get("tags", "")) == ("zoe", " ".join(tags))


async def test_a_child_of_a_saga_has_its_owner_and_no_tags_and_is_forgotten_with_it(http: Http, system: System) -> None:
    secret = "the-secret-of-zoe"  # noqa: S105
    body = {"kind": "whose_child", "input": {"secret": secret}, "tags": ["saga"]}
    ended = (await http.post("/v1/jobs", json=body)).json()
    assert ended["result"] == {"owner": "zoe", "tags": []}
    children = [step["child"] for step in ended["steps"]]
    assert len(children) == 2
    listed = (await http.get("/v1/jobs", params={"tag": "saga"})).json()["jobs"]
    assert [job["token"] for job in listed] == [ended["token"]]
    assert (await http.delete(f"/v1/jobs/{ended['token']}", params={"forget": "true"})).status_code == 204
    for child in children:
        assert (await http.get(f"/v1/jobs/{child}")).status_code == 404
    with redis.Redis(port=system.store.port) as store:
        for key in store.scan_iter():
            if store.type(key) == b"hash":
                assert secret not in repr(store.hgetall(key))


async def test_a_server_without_authentication_lists_by_tag_alone(system: System) -> None:
    open_server = system.add_server()
    async with httpx.AsyncClient(base_url=open_server.url, timeout=scaled(40)) as http:
        body = {"kind": "whose", "input": {}, "tags": ["nobody's"]}
        ended = (await http.post("/v1/jobs", json=body, headers={"prefer": "wait=30"})).json()
        assert ended["result"] == {"owner": "", "tags": ["nobody's"]}
        listed = (await http.get("/v1/jobs", params={"tag": "nobody's"})).json()["jobs"]
        assert [job["token"] for job in listed] == [ended["token"]]
        refused = (await http.get("/v1/jobs")).json()
        assert (refused["code"], refused["field"]) == ("invalid_frame", "/tag")
