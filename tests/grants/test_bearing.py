"""What a grant opens, over each transport, and what it does not: to its bearer the rest is as to any stranger."""

import json
from pathlib import Path

import httpx
import pytest

from auth.test_socket import closed
from e2e.streams.test_stream import stream
from grants.people import MAX_GRANTS, UNKNOWN, as_page, as_shop, as_user, told, waiting_job
from support.credential import bearer, token
from support.peer import peer
from support.system import System
from tidings.protocol.frames import close_codes


async def test_a_page_with_nothing_but_a_grant_follows_the_job_over_a_socket(system: System, tmp_path: Path) -> None:
    async with as_shop(system) as shop, as_page(system) as page:
        ack = await waiting_job(shop, tmp_path / "go", grant=True)
        assert page.hello["authenticated"] is False
        assert (await page.ask("auth", credential=ack["grant"]["grant"]))["type"] == "done"
        assert (await page.ask("watch", token=ack["token"]))["type"] == "snapshot"
        (tmp_path / "go").touch()
        assert (await page.until(ack["token"]))[-1]["event"] == "succeeded"
        assert (await page.ask("unwatch", token=ack["token"]))["type"] == "done"
        assert page.early == []


async def test_a_grant_in_the_frame_opens_what_the_credential_does_not(system: System, tmp_path: Path) -> None:
    async with as_shop(system) as shop, as_user(system, "bob", 1, scope="") as bob:
        ack = await waiting_job(shop, tmp_path / "go", grant={"may": ["watch", "cancel"]})
        job, by = ack["token"], {"grant": ack["grant"]["grant"]}
        assert told(await bob.ask("watch", token=job)) == ("forbidden", None), "he lacks the scope"
        assert (await bob.ask("watch", token=job, **by))["type"] == "snapshot"
        assert (await bob.ask("unwatch", token=job, **by))["type"] == "done"
        assert (await bob.ask("watch", token=job, **by))["type"] == "snapshot"
        assert (await bob.ask("cancel", token=job, **by))["type"] == "done"
        assert (await bob.until(job))[-1]["event"] == "cancelled"


async def test_a_signal_goes_by_a_grant(system: System) -> None:
    async with as_shop(system) as shop, as_page(system) as page:
        ack = await shop.submit("ask", grant={"may": ["signal"]})
        by = ack["grant"]["grant"]
        assert (await page.ask("auth", credential=by))["type"] == "done"
        assert (await page.ask("signal", token=ack["token"], name="approved", input=1))["type"] == "done"
        assert (await shop.until(ack["token"]))[-1]["event"] == "succeeded"
        assert told(await page.ask("watch", token=ack["token"])) == ("forbidden", "/grant")


async def test_a_connection_holds_several_grants_and_no_more_than_hello_says(system: System) -> None:
    async with as_shop(system) as shop, as_page(system) as page:
        acks = [await shop.submit("noop", grant=True) for _ in range(MAX_GRANTS + 1)]
        assert page.hello["limits"]["max_grants"] == MAX_GRANTS
        for ack in acks[:-1]:
            assert (await page.ask("auth", credential=ack["grant"]["grant"]))["type"] == "done"
        for ack in acks[:-1]:
            assert (await page.ask("watch", token=ack["token"]))["type"] == "snapshot"
        refused = await page.ask("auth", credential=acks[-1]["grant"]["grant"])
        assert (told(refused), refused["problem"]["limit"]) == (("too_large", "/credential"), MAX_GRANTS)
        fresh = await shop.ask("grant", token=acks[0]["token"], may=["watch", "cancel"])
        assert (await page.ask("auth", credential=fresh["grant"]))["type"] == "done", "it replaces the first"
        assert told(await page.ask("watch", token=acks[-1]["token"])) == ("unknown_token", "/token")


async def test_over_http_the_bearer_reads_waits_streams_and_cancels(
    system: System, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with as_shop(system, 1) as shop:
        ack = await waiting_job(shop, tmp_path / "go", grant={"may": ["watch", "cancel"]})
        job, headers = ack["token"], bearer(ack["grant"]["grant"])
        place = f"/v1/jobs/{job}"
        assert (await http.get(place, headers=headers)).json()["token"] == job
        seen = (await http.get(place, headers=headers)).headers["etag"]
        waiting = {**headers, "if-none-match": seen, "prefer": "wait=1"}
        assert (await http.get(place, headers=waiting)).status_code in (200, 304)
        for path, by in (
            (f"{place}/events", headers),
            (f"{place}/events?grant={ack['grant']['grant']}", {}),
            (f"/v1/events?token={job}&grant={ack['grant']['grant']}", {}),
        ):
            async with stream(http, path, **by) as events:
                assert (await anext(events)).name in ("log", "snapshot")
        assert (await http.delete(place, headers=headers)).status_code == 202
        assert (await shop.until(job))[-1]["event"] == "cancelled"


async def test_one_stream_takes_several_grants_and_one_grant_several_jobs(
    system: System, http: httpx.AsyncClient
) -> None:
    async with as_shop(system) as shop:
        one = await shop.submit("noop", grant=True)
        await shop.until(one["token"])
        other = await shop.submit("noop", grant=True)
        await shop.until(other["token"])
        both = (await shop.ask("grant", tokens=[one["token"], other["token"]]))["grant"]
    jobs = f"token={one['token']}&token={other['token']}"
    for grants in (f"grant={one['grant']['grant']}&grant={other['grant']['grant']}", f"grant={both}"):
        async with stream(http, f"/v1/events?{jobs}&{grants}") as events:
            seen = [event async for event in events]
        assert {event.data["token"] for event in seen if event.name == "succeeded"} == {one["token"], other["token"]}
    refused = await http.get(f"/v1/events?{jobs}&grant={one['grant']['grant']}")
    assert (refused.json()["code"], refused.json()["field"]) == ("unknown_token", "/token/1")
    refused = await http.get(f"/v1/events?{jobs}" + f"&grant={both}" * (MAX_GRANTS + 1))
    assert (refused.json()["code"], refused.json()["field"]) == ("too_large", "/grant")


async def test_a_grant_in_a_url_that_takes_none_is_refused_and_not_repeated(
    system: System, http: httpx.AsyncClient
) -> None:
    async with as_shop(system) as shop:
        ack = await shop.submit("noop", grant=True)
    by = ack["grant"]["grant"]
    for method, place in (
        ("GET", f"/v1/jobs/{ack['token']}"),
        ("DELETE", f"/v1/jobs/{ack['token']}"),
        ("GET", "/v1/kinds"),
        ("POST", "/v1/jobs"),
        ("POST", "/v1/tickets"),
        ("POST", "/v1/grants"),
    ):
        for headers in (bearer(token()), {}):
            refused = await http.request(method, f"{place}?grant={by}", headers=headers)
            assert refused.status_code == (400 if headers else 401), place
            assert by not in refused.text
    socket_url = system.server.socket_url.replace("/v1/socket", f"/v1/socket?grant={by}")
    async with peer(socket_url) as page:
        assert page.hello["authenticated"] is False, "a socket reads none from its address"
    assert by not in "".join(server.text() for server in system.servers), "and none is in a log"


BEYOND: list[tuple[str, str]] = [
    ("POST", "/v1/jobs"),
    ("POST", "/v1/jobs/batch"),
    ("GET", "/v1/kinds"),
    ("POST", "/v1/tickets"),
    ("POST", "/v1/grants"),
    ("GET", "/v1/admin/overview"),
    ("GET", "/v1/admin/jobs/JOB"),
    ("POST", "/v1/admin/jobs/JOB/cancel"),
    ("DELETE", "/v1/jobs/JOB"),
    ("POST", "/v1/jobs/JOB/signals/approved"),
]


@pytest.mark.parametrize(("method", "place"), BEYOND)
async def test_a_grant_to_watch_opens_nothing_else_over_http(
    system: System, http: httpx.AsyncClient, method: str, place: str
) -> None:
    async with as_shop(system) as shop:
        ack = await shop.submit("noop", grant=True)
    path = place.replace("JOB", ack["token"])
    refused = await http.request(method, path, json={"token": ack["token"]}, headers=bearer(ack["grant"]["grant"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_grant_to_watch_opens_nothing_else_over_a_socket(system: System) -> None:
    async with as_shop(system) as shop, as_page(system) as page:
        ack = await shop.submit("noop", grant=True)
        await page.ask("auth", credential=ack["grant"]["grant"])
        assert told(await page.submit("noop")) == ("forbidden", None)
        assert told(await page.ask("observe")) == ("forbidden", None)
        for type_, more in (("cancel", {}), ("signal", {"name": "approved"})):
            assert told(await page.ask(type_, token=ack["token"], **more)) == ("forbidden", "/grant")
        assert told(await page.ask("auth", credential=token())) == ("forbidden", None), "it is another's credential"


def broken(grant: str) -> dict[str, str]:
    return {
        "cut": grant[:-1],
        "changed": grant[:20] + ("A" if grant[20] != "A" else "B") + grant[21:],
        "another form": grant.replace("tdg_1", "tdg_9"),
        "nothing": "tdg_",
        "no grant": "x",
        "another key's": "tdg_1lAABzwAAAaIrZzm4gadkZWZhdWx0ti16cWM1eTg1MGd2TGhqR1hBVVBiSFEE6-G5-L9w0MRVHUukOip8",
    }


@pytest.mark.parametrize("how", broken("x" * 30))
async def test_a_forged_grant_is_refused_the_same_for_a_job_that_is_and_one_that_is_not(
    system: System, http: httpx.AsyncClient, how: str
) -> None:
    async with as_shop(system) as shop, as_user(system, "bob") as bob:
        ack = await shop.submit("noop", grant=True)
        forged = broken(ack["grant"]["grant"])[how]
        answers = []
        for job in (ack["token"], UNKNOWN):
            refusals = [
                await bob.ask("watch", token=job, grant=forged),
                await bob.ask("cancel", token=job, grant=forged),
                await bob.ask("signal", token=job, name="approved", grant=forged),
            ]
            assert [told(one) for one in refusals] == [("unauthenticated", "/grant")] * 3
            over_http = [
                await http.get(f"/v1/jobs/{job}", headers=bearer(forged)),
                await http.get(f"/v1/jobs/{job}/events?grant={forged}"),
            ]
            assert [(one.status_code, one.json()["code"]) for one in over_http] == [(401, "unauthenticated")] * 2
            answers.append([json.dumps(one["problem"]) for one in refusals] + [one.text for one in over_http])
        assert answers[0] == answers[1]
        assert forged == "x" or all(forged not in answer for answer in answers[0])
    async with as_page(system) as page:
        ref = await page.send("auth", credential=forged)
        code, frames = await closed(page)
        assert code == close_codes.UNAUTHENTICATED
        assert [(frame["ref"], told(frame)[0]) for frame in frames] == [(ref, "unauthenticated")]


async def test_a_grant_to_cancel_one_job_cancels_no_other_that_its_bearer_watches(
    system: System, tmp_path: Path
) -> None:
    async with as_shop(system) as shop, as_page(system) as page:
        watched = await waiting_job(shop, tmp_path / "go", grant=True)
        owned = await waiting_job(shop, tmp_path / "go", grant={"may": ["watch", "cancel"]})
        for ack in (watched, owned):
            assert (await page.ask("auth", credential=ack["grant"]["grant"]))["type"] == "done"
        assert told(await page.ask("cancel", token=watched["token"])) == ("forbidden", "/grant")
        assert (await page.ask("cancel", token=owned["token"]))["type"] == "done"
        assert (await shop.until(owned["token"]))[-1]["event"] == "cancelled"
        (tmp_path / "go").touch()
        assert (await shop.until(watched["token"]))[-1]["event"] == "succeeded"


async def test_a_grant_for_one_job_says_nothing_of_another(
    system: System, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """To its bearer another's job is, byte for byte, one that never was; on the server that watches it, too."""
    async with as_shop(system) as shop, as_page(system, 0) as page:
        ack = await shop.submit("noop", grant={"may": ["watch", "cancel"]})
        other = (await waiting_job(shop, tmp_path / "go"))["token"]
        by = ack["grant"]["grant"]
        await page.ask("auth", credential=by)
        answers = []
        for job in (other, UNKNOWN):
            frames = [
                await page.ask("watch", token=job),
                await page.ask("watch", token=job, grant=by),
                await page.ask("cancel", token=job),
                await page.ask("unwatch", token=job),
            ]
            texts = [
                await http.get(f"/v1/jobs/{job}", headers=bearer(by)),
                await http.delete(f"/v1/jobs/{job}", headers=bearer(by)),
                await http.get(f"/v1/jobs/{job}/events?grant={by}"),
                await http.get(f"/v1/events?token={job}&grant={by}"),
            ]
            said = [json.dumps({**frame, "ref": 0}) for frame in frames] + [text.text for text in texts]
            assert [told(frame)[0] for frame in frames[:3]] == ["unknown_token"] * 3
            assert [text.status_code for text in texts] == [404] * 4
            answers.append([one.replace(job, "JOB") for one in said])
        assert answers[0] == answers[1]
        (tmp_path / "go").touch()
        assert (await shop.until(other))[-1]["event"] == "succeeded", "its own watch was left alone"
