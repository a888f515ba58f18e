"""Following a tag over a socket: two users on one server, and another server beside it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from support.credential import JWT_SERVER, bearer, token
from support.peer import Peer, peer
from support.system import System, system_fixture
from support.waiting import until_async

LIMITS = {"TIDINGS_MAX_FOLLOWS": "3", "TIDINGS_MAX_WATCHES": "60"}
system = system_fixture(credential=token, servers=2, server=JWT_SERVER | LIMITS)


@asynccontextmanager
async def user(system: System, sub: str, scope: str = "submit watch cancel", server: int = 0) -> AsyncIterator[Peer]:
    """Open a socket of a user."""
    async with peer(system.servers[server].socket_url, additional_headers=bearer(token(sub, scope))) as one:
        yield one


@pytest.fixture
def flag(tmp_path: Path) -> Iterator[Path]:
    """The file for which jobs of the kind `wait_for_file` wait."""
    path = tmp_path / "flag"
    yield path
    path.touch()


async def waiting(client: Peer, flag: Path, *tags: str, **fields: Any) -> str:
    """Submit a job that runs until the flag is there."""
    ack = await client.submit("wait_for_file", {"path": str(flag)}, tags=list(tags), **fields)
    assert ack["type"] == "ack", ack
    return str(ack["token"])


async def snapshots(client: Peer, count: int) -> dict[str, dict[str, Any]]:
    """Return the next snapshots that answer no frame, by token."""
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        frame = await client.receive()
        if frame["type"] == "snapshot":
            assert frame["ref"] is None
            assert frame["token"] not in found
            found[frame["token"]] = frame
    return found


async def test_a_follower_gets_a_snapshot_and_the_events_of_every_live_job_with_the_tag(
    system: System, flag: Path
) -> None:
    async with user(system, "ann") as client, user(system, "ann", server=1) as follower:
        mine = [await waiting(client, flag, "red", "x", watch=False) for _ in range(3)]
        await waiting(client, flag, "blue", watch=False)
        await client.run("noop", tags=["red"])  # it has ended
        answer = await follower.ask("follow", tag="red")
        assert (answer["type"], answer["tag"], answer["jobs"]) == ("following", "red", 3)
        found = await snapshots(follower, 3)
        assert set(found) == set(mine)
        assert all(one["tags"] == ["red", "x"] for one in found.values())
        flag.touch()
        assert await follower.ends(*mine) == dict.fromkeys(mine, "succeeded")
        assert follower.early == []


async def test_a_follower_gets_the_jobs_that_are_submitted_later_on_any_server(system: System, flag: Path) -> None:
    async with user(system, "ben") as client, user(system, "ben", server=1) as follower:
        assert (await follower.ask("follow", tag="red"))["jobs"] == 0
        mine = [await waiting(client, flag, "red", watch=False) for _ in range(3)]
        other = await waiting(client, flag, "not-red", watch=False)
        assert set(await snapshots(follower, 3)) == set(mine)
        flag.touch()
        assert await follower.ends(*mine) == dict.fromkeys(mine, "succeeded")
        ended = await client.submit("noop", tags=["red"], watch=False)
        assert await follower.ends(ended["token"]) == {ended["token"]: "succeeded"}
        assert other not in follower._known
        assert follower.early == []


async def test_every_event_of_a_followed_job_comes_once_and_in_order(system: System) -> None:
    async with user(system, "cid") as client, user(system, "cid", server=1) as follower:
        await follower.ask("follow", tag="red")
        tokens = [(await client.submit("count", {"chunks": 30}, tags=["red"], watch=False))["token"] for _ in range(5)]
        seen: dict[str, list[int]] = {one: [] for one in tokens}
        last: dict[str, int] = {}
        ended = set[str]()
        while len(ended) < 5:
            frame = await follower.receive()
            if frame["type"] == "snapshot":
                assert frame["token"] not in last
                seen[frame["token"]] += [
                    chunk["data"]["n"] if isinstance(chunk["data"], dict) else chunk["data"] for chunk in frame["log"]
                ]
                last[frame["token"]] = frame["seq"]
            elif frame["type"] == "event":
                assert frame["seq"] > last[frame["token"]] or frame["event"] == "succeeded"
                last[frame["token"]] = frame["seq"]
                if frame["event"] == "log":
                    seen[frame["token"]].append(
                        frame["data"]["n"] if isinstance(frame["data"], dict) else frame["data"]
                    )
                if frame["event"] == "succeeded":
                    ended.add(frame["token"])
        assert all(len(chunks) == 30 for chunks in seen.values()), seen
        assert all(chunks == sorted(chunks) for chunks in seen.values())


async def test_a_job_that_the_client_submits_itself_is_announced_too_and_its_events_come_once(
    system: System, flag: Path
) -> None:
    async with user(system, "dan") as client:
        before = await waiting(client, flag, "red")
        await client.ask("follow", tag="red")
        assert set(await snapshots(client, 1)) == {before}
        after = await waiting(client, flag, "red")
        assert set(await snapshots(client, 1)) == {after}
        flag.touch()
        ends: list[str] = []
        while len(ends) < 2:
            frame = await client.receive()
            if frame["type"] == "event" and frame["event"] == "succeeded":
                ends.append(frame["token"])
        assert sorted(ends) == sorted([before, after])
        assert (await client.ask("ping"))["type"] == "pong"  # and nothing more has come


async def test_unfollow_ends_the_watches_of_the_follow_and_no_others(system: System, flag: Path) -> None:
    async with user(system, "eve") as client, user(system, "eve", server=1) as follower:
        followed = await waiting(client, flag, "red", watch=False)
        both = await waiting(client, flag, "red", "blue", watch=False)
        watched = await waiting(client, flag, "red", watch=False)
        assert (await follower.ask("watch", token=watched))["type"] == "snapshot"
        await follower.ask("follow", tag="red")
        await snapshots(follower, 3)
        await follower.ask("follow", tag="blue")
        await snapshots(follower, 1)
        assert (await follower.ask("unfollow", tag="red"))["type"] == "done"
        assert (await follower.ask("unfollow", tag="never"))["type"] == "done"
        await client.submit("noop", tags=["red"], watch=False)
        assert (await client.ask("watch", token=followed))["type"] == "snapshot"
        flag.touch()
        assert set(await follower.ends(both, watched)) == {both, watched}
        await client.ends(followed)
        late = await client.run("noop", tags=["blue"])
        assert set(await follower.ends(late[0]["token"])) == {late[0]["token"]}
        assert followed in follower._known


async def test_a_follow_that_begins_again_sends_the_snapshots_again(system: System, flag: Path) -> None:
    async with user(system, "fay") as client:
        mine = await waiting(client, flag, "red", watch=False)
        for _ in range(2):
            assert (await client.ask("follow", tag="red"))["jobs"] == 1
            assert set(await snapshots(client, 1)) == {mine}


async def test_with_since_a_follow_brings_what_ended_while_the_client_was_away(system: System) -> None:
    async with user(system, "gus") as client:
        at = (await client.ask("follow", tag="red"))["at"]
        await client.run("noop", tags=["blue"])
        async with user(system, "gus") as other:
            ended = (await other.run("noop", tags=["red"]))[-1]
        assert set(await client.ends(ended["token"]))
        async with user(system, "gus", server=1) as again:
            assert (await again.ask("follow", tag="red", since=at))["jobs"] == 1
            assert await again.ends(ended["token"]) == {ended["token"]: "succeeded"}
            later = ended["at"].replace("Z", "+00:00")
            assert (await again.ask("follow", tag="red", since=later))["jobs"] == 1
            assert (await again.ask("follow", tag="red", since="2999-01-01T00:00:00Z"))["jobs"] == 0


async def test_another_s_jobs_with_the_same_tag_stay_his(system: System, flag: Path) -> None:
    async with user(system, "hal") as client, user(system, "ida") as stranger:
        theirs = await waiting(client, flag, "red", watch=False)
        assert (await stranger.ask("follow", tag="red"))["jobs"] == 0
        later = await waiting(client, flag, "red", watch=False)
        mine = await waiting(stranger, flag, "red", watch=False)
        assert set(await snapshots(stranger, 1)) == {mine}
        assert not {theirs, later} & stranger._known
        refused = await stranger.ask("follow", tag="red", owner="hal")
        assert (refused["problem"]["code"], refused["problem"]["field"]) == ("forbidden", "/owner")
        async with user(system, "root", "admin") as admin:
            assert (await admin.ask("follow", tag="red", owner="hal"))["jobs"] == 2
            refused = await admin.ask("follow", tag="red", owner="ida")
            assert (refused["problem"]["code"], refused["problem"]["field"]) == ("invalid_frame", "/tag")
            refused = await admin.ask("follow", tag="blue", owner="")
            assert (refused["problem"]["code"], refused["problem"]["field"]) == ("invalid_frame", "/owner")


async def test_to_follow_needs_the_scope_watch(system: System) -> None:
    async with user(system, "jan", "submit cancel") as client:
        refused = await client.ask("follow", tag="red")
        assert (refused["type"], refused["problem"]["code"]) == ("error", "forbidden")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tag": "two words"}, "/tag"),
        ({"tag": ""}, "/tag"),
        ({}, "/tag"),
        ({"tag": "t", "since": "soon"}, "/since"),
        ({"tag": "t", "token": "x"}, "/token"),
    ],
)
async def test_a_follow_that_makes_no_sense_is_refused_at_its_field(
    system: System, fields: dict[str, Any], field: str
) -> None:
    async with user(system, "jan") as client:
        refused = await client.ask("follow", **fields)
        assert (refused["problem"]["code"], refused["problem"]["field"]) == ("invalid_frame", field)


async def test_follows_are_bounded_and_the_bounds_are_told(system: System) -> None:
    async with user(system, "kim") as client:
        assert client.hello["limits"]["max_follows"] == 3
        assert client.hello["limits"]["max_listed_per_owner"] == 10_000
        assert {"follow", "unfollow", "submit.tags"} <= set(client.hello["features"])
        for tag in "abc":
            assert (await client.ask("follow", tag=tag))["type"] == "following"
        refused = (await client.ask("follow", tag="d"))["problem"]
        assert (refused["code"], refused["field"], refused["limit"]) == ("too_many_watches", "/tag", 3)
        assert (await client.ask("follow", tag="a"))["type"] == "following"  # again
        await client.ask("unfollow", tag="a")
        assert (await client.ask("follow", tag="d"))["type"] == "following"


async def test_a_follow_finds_no_more_jobs_than_may_be_watched_and_says_which_it_leaves_out(
    system: System, flag: Path
) -> None:
    async with user(system, "lea") as client, user(system, "lea", server=1) as follower:
        for _ in range(60):
            await waiting(client, flag, "many", watch=False, delay=600)
        refused = (await follower.ask("follow", tag="many"))["problem"]
        assert (refused["code"], refused["field"], refused["limit"]) == ("too_many_watches", "/tag", 60)
        await follower.ask("follow", tag="few")
        made = [await waiting(client, flag, "few", watch=False, delay=600) for _ in range(60)]
        left_out: set[str] = set()
        found: set[str] = set()
        while len(found) + len(left_out) < 60:
            frame = await follower.receive()
            if frame["type"] == "snapshot":
                found.add(frame["token"])
            elif frame["type"] == "error":
                assert (frame["ref"], frame["problem"]["code"]) == (None, "too_many_watches")
                left_out.add(frame["token"])
        assert len(left_out) == 1  # the follow is one of the 60
        assert found | left_out == set(made)
        await follower.ask("unfollow", tag="few")
        assert (await follower.ask("watch", token=left_out.pop()))["type"] == "snapshot"


async def test_a_server_listens_to_no_tag_that_nobody_follows(system: System) -> None:
    with redis.Redis(port=system.store.port, decode_responses=True) as store:

        def followed() -> list[str]:
            kind = "SHARDCHANNELS" if system.store.clustered else "CHANNELS"
            return list(store.execute_command("PUBSUB", kind, "*:tagged:3:mia:red"))

        async with user(system, "mia") as client:
            await client.ask("follow", tag="red")
            assert len(followed()) == len(_queues(system))
        await until_async(lambda: not followed(), seconds=15)


def _queues(system: System) -> set[str]:
    return {kind["queue"] for kind in system.server.get("/v1/kinds")[1]["kinds"]}


async def test_without_authentication_jobs_with_a_tag_are_followed(system: System) -> None:
    server = system.add_server()
    async with peer(server.socket_url) as client, httpx.AsyncClient(base_url=server.url) as http:
        await client.ask("follow", tag="red")
        body = {"kind": "noop", "input": {}, "tags": ["red"]}
        made = (await http.post("/v1/jobs", json=body)).json()["token"]
        assert await client.ends(made) == {made: "succeeded"}
