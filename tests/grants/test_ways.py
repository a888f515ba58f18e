"""Several ways to come: told apart by form, with owners that never meet; and submissions for somebody else."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from grants.people import as_shop, as_user, key_named_alice, shop, told, waiting_job
from support.credential import bearer, token
from support.peer import peer
from support.system import System
from support.waiting import until_async
from tidings.client import Client, JobCancelled, NotWatched
from tidings.protocol.grants import GrantRequest
from tidings.protocol.problems import ProblemError

NOOP = {"kind": "noop", "input": {}}


async def test_a_key_and_a_subject_of_one_name_are_two_owners(system: System, http: httpx.AsyncClient) -> None:
    by_key, by_token = bearer(key_named_alice()), bearer(token("alice"))
    keyed = NOOP | {"key": "the-same"}
    tokens = {}
    for name, headers in (("key", by_key), ("subject", by_token)):
        ack = (await http.post("/v1/jobs", json=keyed, headers=headers)).json()
        assert ack["duplicate"] is False, "an idempotency key is its owner's"
        tokens[name] = ack["token"]
    for name, own, other in (("key", by_key, by_token), ("subject", by_token, by_key)):
        assert (await http.get(f"/v1/jobs/{tokens[name]}", headers=own)).status_code == 200
        assert (await http.get(f"/v1/jobs/{tokens[name]}", headers=other)).status_code == 404
    refused = await http.post("/v1/jobs", json=NOOP, headers=bearer(token("key:alice")))
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("credential", ["tdk_none", "tdg_none", "none", "a.b.c"])
async def test_what_is_none_of_them_is_refused(system: System, http: httpx.AsyncClient, credential: str) -> None:
    refused = await http.get("/v1/kinds", headers=bearer(credential))
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


async def test_a_delegate_submits_for_a_user_who_follows_and_cancels_it(
    system: System, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with as_shop(system) as back_end, as_user(system, "dora", 1) as dora:
        ack = await waiting_job(back_end, tmp_path / "go", owner="dora", watch=False)
        job = ack["token"]
        assert told(await back_end.ask("watch", token=job)) == ("unknown_token", "/token")
        assert told(await back_end.ask("cancel", token=job)) == ("unknown_token", "/token")
        assert told(await back_end.ask("grant", token=job)) == ("unknown_token", "/token")
        assert (await dora.ask("watch", token=job))["type"] == "snapshot"
        assert (await dora.cancel(job))[1]["event"] == "cancelled"
    posted = await http.post("/v1/jobs", json=NOOP | {"owner": "dora"}, headers=bearer(shop()))
    assert posted.status_code == 202
    assert (await http.get(f"/v1/jobs/{posted.json()['token']}", headers=bearer(token("dora")))).status_code == 200
    assert (await http.get(f"/v1/jobs/{posted.json()['token']}", headers=bearer(shop()))).status_code == 404
    batch = await http.post("/v1/jobs/batch", json=[NOOP | {"owner": "dora"}], headers=bearer(shop()))
    assert (await http.get(f"/v1/jobs/{batch.json()[0]['token']}", headers=bearer(token("dora")))).status_code == 200


async def test_key_and_share_of_a_delegated_job_are_the_owner_s(system: System, http: httpx.AsyncClient) -> None:
    keyed = NOOP | {"key": "ed's"}
    own = (await http.post("/v1/jobs", json=keyed, headers=bearer(token("ed")))).json()
    same = (await http.post("/v1/jobs", json=keyed | {"owner": "ed"}, headers=bearer(shop()))).json()
    other = (await http.post("/v1/jobs", json=keyed, headers=bearer(shop()))).json()
    assert (same["duplicate"], same["token"]) == (True, own["token"])
    assert other["duplicate"] is False


async def test_the_delegate_follows_what_it_submitted_by_the_grant_of_its_ack_alone(
    system: System, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with as_shop(system) as back_end:
        assert told(await back_end.submit("noop", owner="dora")) == ("forbidden", "/watch")
        only_cancel = {"may": ["cancel"]}
        assert told(await back_end.submit("noop", owner="dora", grant=only_cancel)) == ("forbidden", "/watch")
        ack = await waiting_job(back_end, tmp_path / "go", owner="dora", grant=True)
        (tmp_path / "go").touch()
        assert (await back_end.until(ack["token"]))[-1]["event"] == "succeeded"
    waited = bearer(shop()) | {"prefer": "wait=10"}
    assert (await http.post("/v1/jobs", json=NOOP | {"owner": "dora"}, headers=waited)).status_code == 202
    ended = await http.post("/v1/jobs", json=NOOP | {"owner": "dora", "grant": True}, headers=waited)
    assert (ended.status_code, ended.json()["status"]) == (200, "succeeded")


@pytest.mark.parametrize(
    ("who", "owner", "code"),
    [
        ("user", "bob", "forbidden"),
        ("user", "dora", "forbidden"),
        ("key", "bob", "forbidden"),
        ("shop", "", "invalid_frame"),
        ("shop", "x" * 256, "invalid_frame"),
        ("shop", "a\nb", "invalid_frame"),
        ("shop", 7, "invalid_frame"),
        ("shop", "key:alice", "invalid_frame"),
    ],
)
async def test_an_owner_that_cannot_be_named_is_refused(
    system: System, http: httpx.AsyncClient, who: str, owner: Any, code: str
) -> None:
    credential = {"user": token("dora"), "key": key_named_alice(), "shop": shop()}[who]
    async with peer(system.server.socket_url, additional_headers=bearer(credential)) as client:
        assert told(await client.submit("noop", owner=owner, watch=False)) == (code, "/owner")
    posted = await http.post("/v1/jobs", json=NOOP | {"owner": owner}, headers=bearer(credential))
    assert (posted.json()["code"], posted.json()["field"]) == (code, "/owner")


async def test_the_python_client_submits_for_another_and_follows_by_the_grant(system: System, tmp_path: Path) -> None:
    async with Client(system.server.url, credential=shop()) as client:
        handle = await client.submit("wait_for_file", path=str(tmp_path / "go"), owner="dora", grant=True)
        assert handle.grant is not None
        assert handle.grant.may == ("watch",)
        unseen = await client.submit("noop", owner="dora")
        assert unseen.grant is None
        with pytest.raises(NotWatched):
            await unseen.result()
        (tmp_path / "go").touch()
        assert await handle.result(timeout=10) == "found"


async def test_the_python_client_watches_cancels_and_renews_by_a_grant(system: System, tmp_path: Path) -> None:
    asked: list[str] = []
    async with (
        Client(system.server.url, credential=shop()) as back_end,
        Client(system.servers[1].url, credential=token("bob")) as page,
    ):
        wish = GrantRequest(may=("watch", "cancel"), ttl=6)
        job = await back_end.submit("wait_for_file", path=str(tmp_path / "go"), grant=wish)

        async def fresh() -> str:
            asked.append(job.token)
            return (await back_end.grant(job.token, may=("watch", "cancel"), ttl=6)).grant

        with pytest.raises(ProblemError, match="unknown_token"):
            await page.watch(job.token)
        handle = await page.watch(job.token, grant=fresh)
        await until_async(lambda: len(asked) >= 3)  # each ends within 6 s
        await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=10)


async def test_a_python_page_with_a_grant_alone(system: System, tmp_path: Path) -> None:
    async with Client(system.server.url, credential=shop()) as back_end:
        job = await back_end.submit("echo", text="a", grant=True)
        assert job.grant is not None
        async with Client(system.servers[1].url, credential=job.grant.grant) as page:
            assert await (await page.watch(job.token)).result(timeout=10) == "a"
            with pytest.raises(ProblemError, match="forbidden"):
                await page.submit("noop")
