"""One's own jobs over HTTP: two users and an admin on one server."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import redis

from support.credential import JWT_SERVER, bearer, token
from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.states import TERMINAL

system = system_fixture(credential=token, server=JWT_SERVER)

Http = httpx.AsyncClient


@pytest.fixture
async def http(system: System) -> AsyncIterator[Http]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


async def submit(http: Http, sub: str, kind: str = "noop", *, wait: bool = True, **fields: Any) -> str:
    headers = bearer(token(sub)) | ({"prefer": "wait=30"} if wait else {})
    answer = await http.post("/v1/jobs", json={"kind": kind, "input": {}} | fields, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["token"])


async def page(http: Http, sub: str, scope: str = "watch", **query: Any) -> Any:
    answer = await http.get("/v1/jobs", params=query, headers=bearer(token(sub, scope)))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(http: Http, sub: str, scope: str = "watch", **query: Any) -> tuple[int, str, str | None]:
    answer = await http.get("/v1/jobs", params=query, headers=bearer(token(sub, scope)))
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, problem["code"], problem.get("field")


async def test_a_caller_lists_its_own_jobs_the_newest_first_and_no_other_s(http: Http) -> None:
    first = await submit(http, "ann", tags=["red", "a"], correlation_id="c-1")
    second = await submit(http, "ann")
    await submit(http, "ben")
    listed = await page(http, "ann")
    assert [job["token"] for job in listed["jobs"]] == [second, first]
    assert listed["next"] is None
    job = listed["jobs"][1]
    assert (job["kind"], job["status"], job["attempt"], job["tags"], job["correlation_id"]) == (
        "noop", "succeeded", 1, ["red", "a"], "c-1",
    )  # fmt: skip
    assert job["submitted"] <= job["finished"]
    assert listed["jobs"][0]["correlation_id"] == second
    assert (await page(http, "nobody"))["jobs"] == []


async def test_a_list_goes_from_page_to_page(http: Http) -> None:
    made = [await submit(http, "cid", tags=["t"]) for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        one = await page(http, "cid", limit=2, tag="t", **cursor)
        assert len(one["jobs"]) <= 2
        found += [job["token"] for job in one["jobs"]]
        if one["next"] is None:
            break
        cursor = {"cursor": one["next"]}
    assert found == made[::-1]


async def test_a_list_is_filtered(http: Http) -> None:
    noop, failed = await submit(http, "dan", tags=["x"]), await submit(http, "dan", "reject", tags=["x", "y"])
    table: list[tuple[dict[str, Any], list[str]]] = [
        ({"tag": "x"}, [failed, noop]),
        ({"tag": "y"}, [failed]),
        ({"tag": "z"}, []),
        ({"kind": "noop"}, [noop]),
        ({"state": "failed"}, [failed]),
        ({"state": "failed", "kind": "noop"}, []),
        ({"limit": 1}, [failed]),
    ]
    for query, tokens in table:
        assert [job["token"] for job in (await page(http, "dan", **query))["jobs"]] == tokens, query


async def test_an_admin_names_an_owner(http: Http) -> None:
    made = await submit(http, "eve")
    assert [job["token"] for job in (await page(http, "root", "admin", owner="eve"))["jobs"]] == [made]
    assert [job["token"] for job in (await page(http, "eve", owner="eve"))["jobs"]] == [made]
    assert await refused(http, "ann", owner="eve") == (403, "forbidden", "/owner")
    assert await refused(http, "root", "admin", owner="") == (400, "invalid_frame", "/owner")
    assert await refused(http, "root", "admin", owner="x" * 256) == (400, "invalid_frame", "/owner")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": 101}, "/limit"),
        ({"limit": "x"}, "/limit"),
        ({"tag": "two words"}, "/tag"),
        ({"tag": ""}, "/tag"),
        ({"tag": "x" * 65}, "/tag"),
        ({"kind": "No!"}, "/kind"),
        ({"state": "done"}, "/state"),
        ({"cursor": ""}, "/cursor"),
        ({"cursor": "x"}, "/cursor"),
        ({"cursor": "é" * 8}, "/cursor"),
        ({"cursor": "A" * 300}, "/cursor"),
        ({"forget": "true"}, "/forget"),
        ({"page": "2"}, "/page"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_at_its_field(
    http: Http, query: dict[str, Any], field: str
) -> None:
    assert await refused(http, "ann", **query) == (400, "invalid_frame", field)


async def test_a_cursor_of_another_list_is_refused(http: Http) -> None:
    for _ in range(2):
        await submit(http, "fay", tags=["t"])
    cursor = (await page(http, "fay", limit=1, tag="t"))["next"]
    assert cursor is not None
    for other in ({}, {"tag": "u"}, {"tag": "t", "kind": "noop"}, {"tag": "t", "state": "queued"}):
        assert await refused(http, "fay", cursor=cursor, **other) == (400, "invalid_frame", "/cursor"), other
    assert await refused(http, "gus", cursor=cursor, tag="t") == (400, "invalid_frame", "/cursor")
    assert len((await page(http, "fay", cursor=cursor, tag="t", limit=7))["jobs"]) == 1


async def test_to_list_needs_the_scope_watch(http: Http) -> None:
    assert await refused(http, "ann", "submit cancel") == (403, "forbidden", None)


@pytest.mark.parametrize(
    ("tags", "field"),
    [
        (["t"] * 9, "/tags"),
        (["ok", ""], "/tags/1"),
        (["two words"], "/tags/0"),
        (["é"], "/tags/0"),
        (["x" * 65], "/tags/0"),
        (["line\n"], "/tags/0"),
        ("t", "/tags"),
        ([1], "/tags/0"),
    ],
)
async def test_tags_that_may_not_be_are_refused_at_their_place(http: Http, tags: Any, field: str) -> None:
    body = {"kind": "noop", "input": {}, "tags": tags}
    answer = await http.post("/v1/jobs", json=body, headers=bearer(token("ann")))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_frame", field)


async def test_a_snapshot_has_the_tags_each_once_and_none_where_there_are_none(http: Http) -> None:
    tagged = await submit(http, "hal", tags=["!", "x" * 64, "!", "~"])
    plain = await submit(http, "hal", tags=[])
    headers = bearer(token("hal"))
    assert (await http.get(f"/v1/jobs/{tagged}", headers=headers)).json()["tags"] == ["!", "x" * 64, "~"]
    assert "tags" not in (await http.get(f"/v1/jobs/{plain}", headers=headers)).json()


async def test_operators_see_and_search_owner_and_tags(http: Http) -> None:
    dead = await submit(http, "ida", "raises", tags=["urgent"])
    ended = await submit(http, "ida", tags=["urgent", "b"])
    live = await submit(http, "ida", tags=["urgent"], delay=600, wait=False)
    other = await submit(http, "jan", tags=["urgent-not"], delay=600, wait=False)
    headers = bearer(token("root", "admin"))

    async def found(**query: str) -> set[str]:
        lines = (await http.get("/v1/admin/jobs", params=query, headers=headers)).json()["jobs"]
        for line in lines:
            assert line["owner"] in ("ida", "jan")
            assert line["tags"]
        return {line["token"] for line in lines}

    assert await found(owner="ida") == {dead, ended, live}
    assert await found(tag="urgent") == {dead, ended, live}
    assert await found(tag="urgent", state="scheduled") == {live}
    assert await found(tag="b") == {ended}
    assert await found(owner="jan") == {other}
    assert await found(owner="jan", tag="urgent") == set()
    detail = (await http.get(f"/v1/admin/jobs/{live}", headers=headers)).json()
    assert (detail["owner"], detail["tags"]) == ("ida", ["urgent"])
    letters = (await http.get("/v1/admin/dead", headers=headers)).json()["letters"]
    assert [(one["owner"], one["tags"]) for one in letters if one["token"] == dead] == [("ida", ["urgent"])]


async def test_a_job_that_ended_is_forgotten_at_once(http: Http, system: System) -> None:
    secret = "the-secret-of-kim"  # noqa: S105
    made = await submit(http, "kim", "echo", input={"text": secret}, tags=["t"], key="k")
    failed = await submit(http, "kim", "raises", input={"secret": secret})
    with redis.Redis(port=system.store.port) as store:
        assert _holds(store, secret)
        for one in (made, failed):
            path = f"/v1/jobs/{one}?forget=true"
            assert (await http.delete(path, headers=bearer(token("lea")))).json()["code"] == "unknown_token"
            refused = await http.delete(path, headers=bearer(token("kim", "submit watch")))
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            answer = await http.delete(path, headers=bearer(token("kim", "cancel")))
            assert (answer.status_code, answer.content) == (204, b"")
            gone = await http.get(f"/v1/jobs/{one}", headers=bearer(token("kim")))
            assert (gone.status_code, gone.json()["code"]) == (404, "unknown_token")
            assert (await http.delete(path, headers=bearer(token("kim")))).status_code == 404
        assert not _holds(store, secret)
    assert (await page(http, "kim"))["jobs"] == []
    # The same submission, sent again, does not run again.
    again = await http.post(
        "/v1/jobs", json={"kind": "echo", "input": {"text": secret}, "key": "k"}, headers=bearer(token("kim"))
    )
    assert (again.json()["token"], again.json()["duplicate"], again.json()["status"]) == (made, True, "unknown")


def _holds(store: "redis.Redis", text: str) -> bool:
    """Return whether any key of the store holds a text."""
    read: dict[Any, Callable[[bytes], Any]] = {
        b"hash": store.hgetall,
        b"stream": store.xrange,
        b"zset": lambda key: store.zrange(key, 0, -1),
        b"set": store.smembers,
        b"string": store.get,
    }
    return any(text in repr(read[store.type(key)](key)) for key in store.scan_iter(count=1_000))


async def test_a_job_that_lives_is_not_forgotten_and_what_makes_no_sense_is_refused(http: Http) -> None:
    live = await submit(http, "mia", delay=600, wait=False)
    headers = bearer(token("mia"))
    answer = await http.delete(f"/v1/jobs/{live}?forget=true", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_finished")
    answer = await http.delete(f"/v1/jobs/{live}?forget=1", headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "/forget")
    assert (await http.delete(f"/v1/jobs/{live}?forget=false", headers=headers)).status_code == 202
    assert (await http.get(f"/v1/jobs/{live}", headers=headers)).json()["status"] in TERMINAL
    assert (await http.delete(f"/v1/jobs/{live}?forget=true", headers=headers)).status_code == 204


async def test_a_page_of_a_tag_is_answered_when_a_job_comes_or_changes_its_state(http: Http, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    running = await submit(http, "lou", "wait_for_file", wait=False, input={"path": str(flag)}, tags=["red"])
    await submit(http, "lou", "noop", tags=["blue"])

    async def poll(etag: str, wait: int = 30) -> httpx.Response:
        headers = bearer(token("lou", "watch")) | {"prefer": f"wait={wait}", "if-none-match": etag}
        return await http.get("/v1/jobs?tag=red", headers=headers)

    async def told(etag: str, act: Callable[[], Any], live: int) -> httpx.Response:
        """Return the answer to a poll that waits, with so many live jobs on its page, while something is done."""
        operator = bearer(token("root", "admin"))
        answers: list[httpx.Response] = []

        async def ask() -> None:
            answers.append(await poll(etag))

        with anyio.fail_after(scaled(15)):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await until_async(
                    lambda: http.get("/metrics", headers=operator),
                    lambda found: f"\ntidings_watches {live}.0\n" in found.text,
                    seconds=15,
                )
                await act()
        return answers[0]

    first = await poll("none")
    assert first.status_code == 200
    same = await poll(first.headers["etag"], wait=0)
    assert (same.status_code, same.headers["etag"]) == (304, first.headers["etag"])
    await until_async(lambda: poll("none"), lambda found: found.json()["jobs"][0]["status"] == "running")
    etag = (await poll("none")).headers["etag"]
    late = await poll(etag, wait=1)
    assert (late.status_code, late.headers["etag"]) == (304, etag), "nothing has changed"

    async def submit_more() -> None:
        await submit(http, "lou", "noop", wait=False, tags=["red"], delay=600)

    more = await told(etag, submit_more, live=1)
    assert more.status_code == 200
    assert [job["token"] for job in more.json()["jobs"]][1:] == [running]

    async def finish() -> None:
        flag.touch()

    ended = await told(more.headers["etag"], finish, live=2)
    assert (ended.status_code, ended.json()["jobs"][1]["status"]) == (200, "succeeded")
    assert ended.json()["at"] >= ended.json()["jobs"][1]["finished"]
