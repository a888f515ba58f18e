"""What a request says and no server knows is refused at its place, over every way in; nothing is dropped in silence."""

from typing import Any

import httpx
import pytest

from support.peer import Peer
from support.system import System
from support.timeouts import scaled


def ask(system: System, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    answer = httpx.request(method, system.server.url + path, json=body, timeout=scaled(15))
    return answer.status_code, answer.json() if answer.content else {}


NOOP = {"kind": "noop", "input": {}}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field", "says"),
    [
        ("POST", "/v1/jobs", NOOP | {"dellay": 3}, 400, "/dellay", "`delay`?"),
        ("POST", "/v1/jobs", NOOP | {"idempotencyKey": "k"}, 400, "/idempotencyKey", "`key`?"),
        ("POST", "/v1/jobs?wait=3", NOOP, 400, "/wait", "takes none"),
        ("POST", "/v1/jobs", {"kind": "echo", "input": {"txt": "a"}}, 422, "/input/txt", "`text`?"),
        ("POST", "/v1/jobs/batch?dry_run=1", [NOOP], 400, "/dry_run", "takes none"),
        ("POST", "/v1/tickets?ttl=3", None, 400, "/ttl", "takes none"),
        ("GET", "/v1/kinds?kind=noop", None, 400, "/kind", "takes none"),
        ("GET", "/v1/jobs/default.AAAAAAAAAAAAAAAAAAAAAA?afer=3", None, 400, "/afer", "`after`?"),
        ("GET", "/v1/jobs/default.AAAAAAAAAAAAAAAAAAAAAA/events?afer=3", None, 400, "/afer", "`after`?"),
        ("GET", "/v1/events?tokens=default.AAAAAAAAAAAAAAAAAAAAAA", None, 400, "/tokens", "`token`?"),
        ("GET", "/v1/events?token=default.A&lastEventId=3", None, 400, "/lastEventId", "`after`?"),
        ("POST", "/v1/jobs/default.AAAAAAAAAAAAAAAAAAAAAA/signals/go?kee=k", None, 400, "/kee", "takes none"),
        ("DELETE", "/v1/jobs/default.AAAAAAAAAAAAAAAAAAAAAA?force=1", None, 400, "/force", "`forget`?"),
        ("GET", "/v1/admin/jobs?stat=running", None, 400, "/stat", "`state`?"),
        ("GET", "/v1/admin/dead?limt=3", None, 400, "/limt", "`limit`?"),
        ("GET", "/v1/admin/audit?who=ann", None, 400, "/who", "there are: cursor, limit"),
        ("POST", "/v1/admin/dead/replay", {"filter": {"quue": "q"}}, 400, "/filter/quue", "`queue`?"),
        ("POST", "/v1/admin/dead/drop", {"tokens": ["t"], "dryrun": True}, 400, "/dryrun", "`dry_run`?"),
        ("POST", "/v1/admin/queues/default/pause", {"seconds": 60}, 400, "/seconds", "none is taken"),
        ("POST", "/v1/admin/queues/default/pause?seconds=60", None, 400, "/seconds", "takes none"),
        ("PUT", "/v1/admin/objectives", {"noop": {"sucess": 0.9}}, 400, "/noop/sucess", "`success`?"),
    ],
)
def test_it_is_refused_and_what_was_meant_is_named(
    system: System, method: str, path: str, body: Any, status: int, field: str, says: str
) -> None:
    answered, problem = ask(system, method, path, body)
    assert (answered, problem.get("field")) == (status, field), problem
    assert problem["code"] == ("invalid_input" if status == 422 else "invalid_frame")
    assert says in problem["detail"]


def test_what_is_known_is_taken(system: System) -> None:
    assert ask(system, "POST", "/v1/jobs", {"type": "submit", "ref": 4, **NOOP, "watch": False})[0] == 202
    assert ask(system, "POST", "/v1/jobs", {"type": "watch", **NOOP})[1]["field"] == "/type"
    nothing: list[Any] = [None, {}]
    for body in nothing:
        assert ask(system, "POST", "/v1/admin/queues/default/resume", body)[0] == 200


def test_one_job_of_a_batch_is_refused_alone(system: System) -> None:
    answers = httpx.post(system.server.url + "/v1/jobs/batch", json=[NOOP, NOOP | {"dealy": 1}, NOOP]).json()
    assert [answer.get("field") for answer in answers] == [None, "/dealy", None]
    assert "`delay`?" in answers[1]["detail"]


async def test_a_frame_is_refused_under_its_ref_and_the_socket_goes_on(client: Peer) -> None:
    refused = await client.submit("noop", dellay=3600)
    assert (refused["problem"]["code"], refused["problem"]["field"]) == ("invalid_frame", "/dellay")
    assert (await client.submit("noop"))["type"] == "ack"
