"""A grant for a tag: its bearer follows the jobs of the grant's owner, over each transport, until the grant ends."""

import secrets
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from e2e.streams.test_stream import events
from grants.people import as_page, as_user, told, waiting_job
from support.credential import bearer, token
from support.peer import Peer
from support.system import System

RENEWED_TTL_S = 5.0
"""A fifth of it is the time to renew the grant, on a slow machine too."""


@pytest.fixture
def tag() -> str:
    """A tag of this test's own."""
    return secrets.token_hex(4)


async def tag_grant(owner: Peer, tag: str, **fields: Any) -> str:
    """Return a grant for a tag of a user."""
    answer = await owner.ask("grant", tag=tag, **fields)
    assert answer["type"] == "granted", answer
    return str(answer["grant"])


async def next_of(peer: Peer, *types: str) -> dict[str, Any]:
    """Return the next frame of some types; the answers to pings in between do not matter."""
    while (frame := await peer.receive())["type"] not in types:
        pass
    return frame


@pytest.mark.parametrize("shown", ["auth", "frame", "frame of one with a credential"])
async def test_the_bearer_follows_the_jobs_that_live_and_those_that_come(
    system: System, tag: str, tmp_path: Path, shown: str
) -> None:
    opened = as_user(system, "bob", 1, scope="") if "credential" in shown else as_page(system)
    async with as_user(system, "ann") as ann, as_user(system, "eve") as eve, opened as page:
        live = await waiting_job(ann, tmp_path / "go", tags=[tag], watch=False)
        await waiting_job(ann, tmp_path / "go", tags=["blue"], watch=False)
        await waiting_job(eve, tmp_path / "go", tags=[tag], watch=False)
        by = await tag_grant(ann, tag)
        if "credential" not in shown:
            assert (await page.ask("auth", credential=by))["type"] == "done"
        following = await page.ask("follow", tag=tag, **({} if shown == "auth" else {"grant": by}))
        assert (following["type"], following["jobs"]) == ("following", 1)
        assert (await next_of(page, "snapshot"))["token"] == live["token"]
        later = await waiting_job(ann, tmp_path / "go", tags=[tag], watch=False)
        assert (await next_of(page, "snapshot"))["token"] == later["token"]
        (tmp_path / "go").touch()
        ends = await page.ends(live["token"], later["token"])
        assert set(ends.values()) == {"succeeded"}
        assert (await page.ask("unfollow", tag=tag))["type"] == "done"
        assert page.early == []


async def test_a_follow_is_told_before_its_grant_ends_and_at_the_end_and_then_nothing(
    system: System, tag: str, tmp_path: Path
) -> None:
    async with as_user(system, "ann") as ann, as_user(system, "bob", 1) as bob:
        live = await waiting_job(ann, tmp_path / "go", tags=[tag])
        await ann.until(live["token"], "log")
        own = await waiting_job(bob, tmp_path / "go", tags=[tag])
        await bob.until(own["token"], "log")
        assert (await bob.ask("follow", tag=tag, grant=await tag_grant(ann, tag, ttl=1)))["jobs"] == 1
        assert (await next_of(bob, "snapshot"))["token"] == live["token"]
        for code in ("grant_expiring", "grant_expired"):
            frame = await bob.receive()
            assert (frame["ref"], frame["tag"], frame["problem"]["code"]) == (None, tag, code)
            assert "token" not in frame
            assert 0 < frame["problem"].get("retry_after", 1) <= 1
        later = await waiting_job(ann, tmp_path / "go", tags=[tag])
        (tmp_path / "go").touch()
        await ann.ends(live["token"], later["token"])
        ref = await bob.send("ping")
        frames = [await bob.receive()]
        while not {("event", "succeeded"), ("pong", None)} <= {(one["type"], one.get("event")) for one in frames}:
            frames.append(await bob.receive())
        assert {one.get("token") for one in frames if one.get("ref") != ref} == {own["token"]}, "only his own goes on"


@pytest.mark.parametrize("renewed_by", ["follow", "auth"])
async def test_a_fresh_grant_goes_on_without_a_break(system: System, tag: str, tmp_path: Path, renewed_by: str) -> None:
    opened = as_page(system) if renewed_by == "auth" else as_user(system, "bob")
    async with as_user(system, "ann") as ann, opened as page:
        live = await waiting_job(ann, tmp_path / "go", tags=[tag], watch=False)
        first = await tag_grant(ann, tag, ttl=RENEWED_TTL_S)
        if renewed_by == "auth":
            await page.ask("auth", credential=first)
            await page.ask("follow", tag=tag)
        else:
            await page.ask("follow", tag=tag, grant=first)
        while (await next_of(page, "error"))["problem"]["code"] != "grant_expiring":
            pass
        fresh = await tag_grant(ann, tag)
        if renewed_by == "auth":
            assert (await page.ask("auth", credential=fresh))["type"] == "done"
        else:
            assert (await page.ask("follow", tag=tag, grant=fresh))["jobs"] == 1
        until = time.monotonic() + RENEWED_TTL_S / 5 + 0.5  # past the end of the first
        while time.monotonic() < until:
            await anyio.sleep(0.15)
            assert (await page.ask("ping"))["type"] == "pong"
        later = await waiting_job(ann, tmp_path / "go", tags=[tag], watch=False)
        (tmp_path / "go").touch()
        ends: dict[str, str] = {}
        while len(ends) < 2:
            frame = await page.receive()
            assert frame["type"] != "error", frame
            if frame.get("event") == "succeeded":
                ends[frame["token"]] = frame["event"]
        assert set(ends) == {live["token"], later["token"]}


async def test_a_job_that_is_watched_besides_has_a_warning_of_its_own(system: System, tag: str, tmp_path: Path) -> None:
    async with as_user(system, "ann") as ann, as_user(system, "bob") as bob:
        live = await waiting_job(ann, tmp_path / "go", tags=[tag])
        await ann.until(live["token"], "log")
        by = await tag_grant(ann, tag, ttl=1)
        await bob.ask("follow", tag=tag, grant=by)
        await bob.ask("watch", token=live["token"], grant=by)
        ends = set[tuple[str, str]]()
        while len(ends) < 4:
            frame = await next_of(bob, "error")
            ends.add((frame.get("tag") or frame["token"], frame["problem"]["code"]))
        codes = ("grant_expiring", "grant_expired")
        assert ends == {(one, code) for one in (tag, live["token"]) for code in codes}
        (tmp_path / "go").touch()


async def test_what_opens_no_tag_is_refused_at_its_field(system: System, tag: str) -> None:
    async with as_user(system, "ann") as ann, as_user(system, "eve") as eve, as_page(system) as page:
        job = await ann.submit("noop", tags=[tag], grant=True)
        red = await tag_grant(ann, tag)
        cancels = await tag_grant(ann, tag, may=["cancel"])
        bad = {
            "of one job": ({"tag": tag, "grant": job["grant"]["grant"]}, ("forbidden", "/grant")),
            "of another tag": ({"tag": "blue", "grant": red}, ("forbidden", "/grant")),
            "to cancel": ({"tag": tag, "grant": cancels}, ("forbidden", "/grant")),
            "forged": ({"tag": tag, "grant": red[:-4] + "AAAA"}, ("unauthenticated", "/grant")),
            "beside an owner": ({"tag": tag, "grant": red, "owner": "ann"}, ("invalid_frame", "/owner")),
            "another owner": ({"tag": tag, "owner": "ann"}, ("forbidden", "/owner")),
        }
        for why, (fields, refused) in bad.items():
            assert told(await eve.ask("follow", **fields)) == refused, why
        await page.ask("auth", credential=red)
        assert told(await page.ask("follow", tag="blue")) == ("forbidden", "/grant")
        assert told(await page.ask("follow", tag=tag, owner="ann")) == ("forbidden", None)
        await page.ask("auth", credential=await tag_grant(eve, tag))
        assert told(await page.ask("follow", tag=tag)) == ("invalid_frame", "/grant"), "of two owners"
        assert (await page.ask("follow", tag=tag, grant=red))["type"] == "following"


async def test_a_grant_that_is_over_opens_no_tag(system: System, tag: str, http: httpx.AsyncClient) -> None:
    async with as_user(system, "ann") as ann, as_user(system, "bob") as bob:
        by = await tag_grant(ann, tag, ttl=1)
        await bob.ask("follow", tag=tag, grant=by)
        while (await next_of(bob, "error"))["problem"]["code"] != "grant_expired":
            pass
        assert told(await bob.ask("follow", tag=tag, grant=by)) == ("forbidden", "/grant")
        answer = await http.get(f"/v1/events?tag={tag}&grant={by}")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_follow_of_one_s_own_ends_with_the_credential_that_allowed_it_and_says_which(
    system: System, tag: str
) -> None:
    async with as_user(system, "ann") as ann:
        await ann.ask("follow", tag=tag)
        assert (await ann.ask("auth", credential=token("ann", "submit")))["type"] == "done"
        frame = await next_of(ann, "error")
        assert (frame["ref"], frame["tag"], frame["problem"]["code"]) == (None, tag, "forbidden")


@pytest.mark.parametrize("way", ["query", "header"])
async def test_a_stream_of_a_tag_goes_by_a_grant_and_ends_with_it(
    system: System, tag: str, http: httpx.AsyncClient, tmp_path: Path, way: str
) -> None:
    async with as_user(system, "ann") as ann:
        # Without a job nothing but the end of the follow ends the stream.
        jobs = [await waiting_job(ann, tmp_path / "go", tags=[tag], watch=False)] if way == "query" else []
        by = await tag_grant(ann, tag, ttl=1)
        path = f"/v1/events?tag={tag}&grant={by}" if way == "query" else f"/v1/events?tag={tag}"
        async with http.stream("GET", path, headers=bearer(by) if way == "header" else {}) as answer:
            told = [one async for one in events(answer.aiter_lines())]
        assert [one.data["token"] for one in told if one.name == "snapshot"] == [job["token"] for job in jobs]
        ends = [one.data for one in told if one.name in ("grant_expiring", "grant_expired")]
        assert [(end["problem"]["code"], end["tag"], end.get("token")) for end in ends] == [
            ("grant_expiring", tag, None), ("grant_expired", tag, None),
        ]  # fmt: skip
        (tmp_path / "go").touch()


async def test_a_stream_by_a_grant_has_the_jobs_that_come_and_no_other_s(
    system: System, tag: str, http: httpx.AsyncClient
) -> None:
    async with as_user(system, "ann") as ann, as_user(system, "eve") as eve:
        by = await tag_grant(ann, tag)
        async with http.stream("GET", f"/v1/events?tag={tag}&grant={by}") as answer:
            reader = events(answer.aiter_lines())
            assert (await anext(reader)).data["jobs"] == 0
            await eve.submit("noop", tags=[tag])
            mine = await ann.submit("noop", tags=[tag])
            assert (await anext(reader)).data["token"] == mine["token"]
        for query, refused in ((f"tag=blue&grant={by}", "/grant"), (f"tag={tag}&grant={by}&owner=ann", "/owner")):
            answer_of = await http.get(f"/v1/events?{query}")
            assert answer_of.json()["field"] == refused


async def test_the_bearer_lists_the_jobs_of_its_tag_and_no_more(
    system: System, tag: str, http: httpx.AsyncClient
) -> None:
    async with as_user(system, "ann") as ann, as_user(system, "eve") as eve:
        mine = await ann.submit("noop", tags=[tag], delay=600)
        await ann.submit("noop", tags=["blue"])
        await eve.submit("noop", tags=[tag])
        headers = bearer(await tag_grant(ann, tag))
        listed = (await http.get(f"/v1/jobs?tag={tag}", headers=headers)).json()
        assert [job["token"] for job in listed["jobs"]] == [mine["token"]]
        for query, code in (("", "forbidden"), ("?tag=blue", "forbidden"), (f"?tag={tag}&owner=ann", "forbidden")):
            assert (await http.get(f"/v1/jobs{query}", headers=headers)).json()["code"] == code
        job_grant = (await ann.ask("grant", token=mine["token"]))["grant"]
        assert (await http.get(f"/v1/jobs?tag={tag}", headers=bearer(job_grant))).json()["code"] == "forbidden"
