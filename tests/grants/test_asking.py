"""Asking for a grant: with a submission over each transport, and later for what exists; and what is refused."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from grants.people import UNKNOWN, as_page, as_shop, as_user, shop, told, waiting_job
from support.credential import bearer, token
from support.system import System
from tidings.protocol.frames.messages import FEATURES

NOOP = {"kind": "noop", "input": {}}


def check(issued: dict[str, Any], may: list[str], ttl: float) -> None:
    assert set(issued) == {"grant", "may", "expires_at"}
    assert issued["grant"].startswith("tdg_")
    assert len(issued["grant"]) <= 1_024
    assert issued["may"] == may
    assert datetime.fromisoformat(issued["expires_at"]).timestamp() == pytest.approx(time.time() + ttl, abs=10)


@pytest.mark.parametrize(
    ("wish", "may", "ttl"),
    [
        (True, ["watch"], 900),
        ({}, ["watch"], 900),
        ({"may": ["cancel", "watch"], "ttl": 60}, ["watch", "cancel"], 60),
        ({"may": ["signal"]}, ["signal"], 900),
        ({"ttl": 86_400}, ["watch"], 86_400),
    ],
)
async def test_an_ack_brings_the_grant_that_the_submission_asks_for(
    system: System, http: httpx.AsyncClient, wish: Any, may: list[str], ttl: float
) -> None:
    async with as_shop(system) as client:
        check((await client.submit("noop", grant=wish))["grant"], may, ttl)
    headers = bearer(shop())
    posted = await http.post("/v1/jobs", json=NOOP | {"grant": wish}, headers=headers)
    check(posted.json()["grant"], may, ttl)
    batch = await http.post("/v1/jobs/batch", json=[NOOP | {"grant": wish}, NOOP, NOOP], headers=headers)
    first, *others = batch.json()
    check(first["grant"], may, ttl)
    assert all("grant" not in ack for ack in others)


async def test_without_the_wish_there_is_no_grant(system: System) -> None:
    async with as_shop(system) as client:
        assert "grant" not in await client.submit("noop")
        assert "grant" not in await client.submit("noop", grant=False)
        assert set(FEATURES) <= set(client.hello["features"])
        assert {"grant", "submit.grant", "watch.grant"} <= set(FEATURES)
        assert client.hello["limits"]["max_grants"] == 5


async def test_a_duplicate_s_ack_brings_one_for_the_earlier_job(system: System, tmp_path: Path) -> None:
    async with as_shop(system) as client, as_page(system) as page:
        first = await waiting_job(client, tmp_path / "go", key="once", watch=False)
        again = await waiting_job(client, tmp_path / "go", key="once", watch=False, grant=True)
        assert (again["duplicate"], again["token"]) == (True, first["token"])
        await page.ask("auth", credential=again["grant"]["grant"])
        assert (await page.ask("watch", token=first["token"]))["type"] == "snapshot"
        (tmp_path / "go").touch()
        assert (await page.until(first["token"]))[-1]["event"] == "succeeded"


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({"may": ["admin"]}, "invalid_frame", "/grant/may/0"),
        ({"may": []}, "invalid_frame", "/grant/may"),
        ({"may": ["watch"] * 4}, "invalid_frame", "/grant/may"),
        ({"ttl": 0.5}, "invalid_frame", "/grant/ttl"),
        ({"ttl": 86_401}, "invalid_frame", "/grant/ttl"),
        ({"ttl": "long"}, "invalid_frame", "/grant/ttl"),
        ({"for": "ever"}, "invalid_frame", "/grant/for"),
        ("yes", "invalid_frame", "/grant"),
        (1, "invalid_frame", "/grant"),
        ({"may": ["cancel"]}, "forbidden", "/grant/may"),
    ],
)
async def test_a_wish_that_cannot_be_granted_is_refused_and_no_job_is_made(
    system: System, http: httpx.AsyncClient, wish: Any, code: str, field: str
) -> None:
    only = token("carol", "submit watch")
    async with as_user(system, "carol", scope="submit watch") as client:
        assert told(await client.submit("noop", grant=wish)) == (code, field)
    posted = await http.post("/v1/jobs", json=NOOP | {"grant": wish}, headers=bearer(only))
    assert (posted.json()["code"], posted.json()["field"]) == (code, field)
    batch = await http.post("/v1/jobs/batch", json=[NOOP | {"grant": wish}, NOOP], headers=bearer(only))
    refused, accepted = batch.json()
    assert (refused["code"], refused["field"]) == (code, field)
    assert "token" in accepted


async def test_the_owner_gets_one_later_and_so_does_an_administrator(system: System, http: httpx.AsyncClient) -> None:
    async with as_user(system, exp=int(time.time()) + 600) as alice:
        job = (await alice.submit("noop", watch=False))["token"]
        granted = await alice.ask("grant", token=job, may=["watch", "signal"], ttl=30)
        assert granted.pop("type") == "granted"
        granted.pop("ref")
        check(granted, ["watch", "signal"], 30)
        check(strip(await alice.ask("grant", tokens=[job])), ["watch"], 600)  # the end of her own token
        check(strip(await alice.ask("grant", tag="mine", ttl=60)), ["watch"], 60)
    for who in (token(), token("root", "admin")):
        posted = await http.post("/v1/grants", json={"token": job, "ttl": 30}, headers=bearer(who))
        assert posted.status_code == 201
        check(posted.json(), ["watch"], 30)
    of_another = {"tag": "mine", "owner": "alice"}
    posted = await http.post("/v1/grants", json=of_another, headers=bearer(token("root", "admin")))
    assert posted.status_code == 201


def strip(granted: dict[str, Any]) -> dict[str, Any]:
    assert granted["type"] == "granted", granted
    return {name: value for name, value in granted.items() if name not in ("type", "ref")}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_frame", None),
        ({"token": UNKNOWN, "tag": "a"}, "invalid_frame", None),
        ({"token": "x"}, "unknown_token", "/token"),
        ({"token": UNKNOWN}, "unknown_token", "/token"),
        ({"token": "MINE", "ttl": 0}, "invalid_frame", "/ttl"),
        ({"token": "MINE", "ttl": 86_401}, "invalid_frame", "/ttl"),
        ({"token": "MINE", "may": ["cancel"]}, "forbidden", "/may"),
        ({"token": "MINE", "may": ["own"]}, "invalid_frame", "/may/0"),
        ({"token": "THEIRS"}, "unknown_token", "/token"),
        ({"tokens": ["MINE", "THEIRS"]}, "unknown_token", "/tokens/1"),
        ({"tokens": []}, "invalid_frame", "/tokens"),
        ({"tokens": ["MINE"] * 25}, "invalid_frame", "/tokens"),
        ({"tag": "a b"}, "invalid_frame", "/tag"),
        ({"tag": "a" * 65}, "invalid_frame", "/tag"),
        ({"tag": "a", "owner": "bob"}, "forbidden", "/owner"),
        ({"token": "MINE", "owner": "bob"}, "invalid_frame", "/owner"),
        ({"token": "MINE", "for": 3}, "invalid_frame", "/for"),
    ],
)
async def test_what_cannot_be_granted_later_is_refused_in_both_places_alike(
    system: System, http: httpx.AsyncClient, body: dict[str, Any], code: str, field: str | None
) -> None:
    async with as_user(system, "bob") as bob, as_user(system, "carol", scope="submit watch") as carol:
        jobs = {"THEIRS": (await bob.submit("noop"))["token"], "MINE": (await carol.submit("noop"))["token"]}

        def named(value: Any) -> Any:
            return [named(one) for one in value] if isinstance(value, list) else jobs.get(value, value)

        asked = {name: named(value) if name in ("token", "tokens") else value for name, value in body.items()}
        assert told(await carol.ask("grant", **asked)) == (code, field)
    posted = await http.post("/v1/grants", json=asked, headers=bearer(token("carol", "submit watch")))
    assert (posted.json()["code"], posted.json().get("field")) == (code, field)


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"\xff", b'"tdg_"', b"[" * 100_000])
async def test_a_body_that_is_none_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    posted = await http.post("/v1/grants", content=body, headers=bearer(token()))
    assert posted.json()["code"] in ("invalid_frame", "too_large")


async def test_a_grant_gives_no_other(system: System, http: httpx.AsyncClient) -> None:
    async with as_shop(system) as client, as_page(system) as page:
        ack = await client.submit("noop", grant=True)
        await page.ask("auth", credential=ack["grant"]["grant"])
        assert told(await page.ask("grant", token=ack["token"])) == ("forbidden", None)
    posted = await http.post("/v1/grants", json={"token": ack["token"]}, headers=bearer(ack["grant"]["grant"]))
    assert posted.json()["code"] == "forbidden"


async def test_a_credential_that_ends_gives_no_grant_that_lasts_longer(system: System) -> None:
    async with as_user(system, exp=int(time.time()) + 20) as alice:
        check((await alice.submit("noop", grant={"ttl": 900}))["grant"], ["watch"], 20)
