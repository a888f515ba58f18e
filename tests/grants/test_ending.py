"""The end of a grant: a warning, an error, and nothing more; or, renewed in time, no break at all."""

import time
from pathlib import Path
from typing import Any

import anyio
import httpx

from auth.test_socket import closed
from e2e.streams.test_stream import stream
from grants.people import UNKNOWN, as_page, as_shop, as_user, told, waiting_job
from support.credential import bearer
from support.peer import Peer
from support.system import System
from support.waiting import until_async
from tidings.protocol.frames import close_codes

TTL_S = 1.5
"""A server warns when a fifth is left, however short that is."""

RENEWED_TTL_S = 6.0
"""A fifth of it is the time to renew the grant, on a slow machine too."""


async def heard(peer: Peer, code: str) -> dict[str, Any]:
    """Return the next error of a code; no event comes before."""
    while True:
        frame = await peer.receive()
        if frame["type"] == "error" and frame["problem"]["code"] == code:
            return frame
        assert frame["type"] != "event", frame


async def test_a_watch_is_told_before_its_grant_ends_and_at_the_end_and_then_nothing(
    system: System, tmp_path: Path
) -> None:
    async with as_shop(system, 1) as shop, as_user(system, "bob", 1) as bob:
        ack = await waiting_job(shop, tmp_path / "go", grant={"ttl": TTL_S})
        await shop.until(ack["token"], "log")
        await bob.ask("watch", token=ack["token"], grant=ack["grant"]["grant"])
        expiring = await heard(bob, "grant_expiring")
        assert (expiring["ref"], expiring["token"]) == (None, ack["token"])
        assert 0 < expiring["problem"]["retry_after"] <= TTL_S
        expired = await heard(bob, "grant_expired")
        assert (expired["ref"], expired["token"]) == (None, ack["token"])
        (tmp_path / "go").touch()
        assert (await shop.until(ack["token"]))[-1]["event"] == "succeeded"
        ref = await bob.send("ping")
        assert await bob.receive() == {"type": "pong", "ref": ref}, "nothing of the job came in between"


async def test_a_fresh_grant_in_a_watch_or_an_auth_goes_on_where_it_was(system: System, tmp_path: Path) -> None:
    async with as_shop(system) as shop, as_user(system, "bob") as bob, as_page(system) as page:
        ack = await waiting_job(shop, tmp_path / "go", grant={"ttl": RENEWED_TTL_S})
        await shop.until(ack["token"], "log")
        job, first = ack["token"], ack["grant"]["grant"]
        await page.ask("auth", credential=first)
        for peer, by in ((bob, {"grant": first}), (page, {})):
            assert (await peer.ask("watch", token=job, **by))["type"] == "snapshot"
        fresh = (await shop.ask("grant", token=job))["grant"]
        await heard(bob, "grant_expiring")
        assert (await bob.ask("watch", token=job, after=2, grant=fresh))["type"] == "snapshot"
        assert (await page.ask("auth", credential=fresh))["type"] == "done"
        until = time.monotonic() + RENEWED_TTL_S + 1
        for peer in (bob, page):
            while time.monotonic() < until:  # past the end of the first
                assert (await peer.ask("ping"))["type"] == "pong"
                await anyio.sleep(0.2)
        (tmp_path / "go").touch()
        for peer in (bob, page):
            assert (await peer.until(job))[-1]["event"] == "succeeded"


async def test_a_connection_with_grants_alone_ends_with_the_last_of_them(system: System, tmp_path: Path) -> None:
    async with as_shop(system) as shop, as_page(system) as page:
        ack = await waiting_job(shop, tmp_path / "go", grant={"ttl": TTL_S})
        await page.ask("auth", credential=ack["grant"]["grant"])
        await page.send("watch", token=ack["token"])
        code, frames = await closed(page)
        assert code == close_codes.UNAUTHENTICATED
        codes = [frame["problem"]["code"] for frame in frames if frame["type"] == "error"]
        assert {"token_expiring", "grant_expiring"} <= set(codes)
        assert codes[-1] == "unauthenticated"
        (tmp_path / "go").touch()


async def test_a_grant_whose_time_is_over_is_worth_what_a_stranger_has(system: System, http: httpx.AsyncClient) -> None:
    async with as_shop(system) as shop, as_user(system, "bob") as bob:
        ack = await shop.submit("noop", grant={"ttl": 1, "may": ["watch", "cancel", "signal"]})
        job, by = ack["token"], ack["grant"]["grant"]
        await until_async(
            lambda: bob.ask("watch", token=job, grant=by),
            lambda found: found["type"] != "snapshot",
            seconds=10,
            pause_s=0.1,
        )
        for one in (job, UNKNOWN):
            assert told(await bob.ask("watch", token=one, grant=by)) == ("unknown_token", "/token")
            assert told(await bob.ask("cancel", token=one, grant=by)) == ("unknown_token", "/token")
            assert told(await bob.ask("signal", token=one, name="a", grant=by)) == ("unknown_token", "/token")
            for answer in (
                await http.get(f"/v1/jobs/{one}", headers=bearer(by)),
                await http.get(f"/v1/jobs/{one}/events?grant={by}"),
            ):
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert (await shop.ask("watch", token=job, grant=by))["type"] == "snapshot", "the owner needs none"


async def test_a_stream_says_so_too_and_ends(system: System, http: httpx.AsyncClient, tmp_path: Path) -> None:
    async with as_shop(system) as shop:
        ack = await waiting_job(shop, tmp_path / "go", grant={"ttl": TTL_S})
        job, by = ack["token"], ack["grant"]["grant"]
        longer = await waiting_job(shop, tmp_path / "go", grant=True)
        both = f"token={job}&token={longer['token']}&grant={by}&grant={longer['grant']['grant']}"
        async with (
            stream(http, f"/v1/jobs/{job}/events?grant={by}") as alone,
            stream(http, f"/v1/events?{both}") as two,
        ):
            names = [(event.name, event.data["token"]) async for event in alone]
            assert names[-2:] == [("grant_expiring", job), ("grant_expired", job)]
            async for event in two:
                if event.name == "grant_expired":
                    assert (event.data["token"], event.data["problem"]["code"]) == (job, "grant_expired")
                    break
            (tmp_path / "go").touch()
            rest = [(event.name, event.data["token"]) async for event in two]
            assert rest[-1] == ("succeeded", longer["token"])
            assert job not in {token for _, token in rest}
