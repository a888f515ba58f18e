"""`tidings.fastapi`: the user's client in a route, the ack and the grant, and problems as the application's answers."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, Depends, FastAPI, Header, HTTPException
from openapi_spec_validator import validate

from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until_async
from tidings import Client, JobFailed, ProblemError, SubmitOptions, job
from tidings.fastapi import (
    PROBLEM_RESPONSES,
    AcceptedGrant,
    AcceptedJob,
    DelegateClient,
    MountedTidings,
    RemoteTidings,
    accept,
    accepted,
    granted,
)
from tidings_server.auth.api_key import new_key, setting_line
from tidings_server.settings import ServerSettings

KEY = new_key()
system = system_fixture(
    credential=lambda: KEY,
    server={
        "TIDINGS_AUTH": "api_key",
        "TIDINGS_API_KEYS": setting_line("shop", KEY, ("submit", "watch", "cancel", "delegate")),
    },
)


@job
async def echo(text: str, times: int = 1) -> str:
    """Is served elsewhere."""
    return text * times


def current_user(x_user: Annotated[str | None, Header()] = None) -> str | None:
    """Return the user; an application may forget to refuse those that it does not know."""
    if x_user == "refused":
        raise HTTPException(403, "not you")
    return x_user


def mounted(system: System) -> tuple[FastAPI, MountedTidings]:
    """Return an application with the server inside, whose clients must show a credential."""
    key = setting_line("other", new_key(), ())
    tidings = MountedTidings(ServerSettings(store_url=system.store.url, auth="api_key", api_keys=(key,)))
    app = FastAPI(lifespan=tidings.lifespan)
    tidings.install(app)
    TidingsDep = Annotated[Client, Depends(tidings.client_for(current_user))]  # noqa: N806 - FastAPI's way of naming

    @app.post("/jobs", status_code=202, responses=PROBLEM_RESPONSES)
    async def create(client: TidingsDep, text: Annotated[Any, Body(embed=True)]) -> AcceptedJob:
        return await accept(client, "echo", {"text": text}, options=SubmitOptions(tags=["red"]))

    @app.get("/jobs")
    async def find(client: TidingsDep) -> list[str]:
        return [one.token async for one in client.jobs(tag="red")]

    @app.post("/jobs/{token}/grant")
    async def renew(client: TidingsDep, token: str) -> AcceptedGrant:
        return granted(await client.grant(token, ttl=60))

    @app.get("/failed")
    async def failed(client: TidingsDep) -> None:
        await (await client.submit("reject")).result(timeout=scaled(15))

    return app, tidings


def remote(url: str, **options: Any) -> FastAPI:
    """Return an application whose server is elsewhere."""
    tidings = RemoteTidings(url, credential=KEY, **options)
    app = FastAPI(lifespan=tidings.lifespan)
    tidings.install(app)
    TidingsDep = Annotated[DelegateClient, Depends(tidings.client_for(current_user))]  # noqa: N806

    @app.post("/jobs")
    async def create(client: TidingsDep, text: str) -> AcceptedJob:
        return await accept(client, echo, text=text, times=2, may=["watch", "cancel"], ttl=60)

    @app.post("/unfollowed")
    async def unfollowed(client: TidingsDep) -> AcceptedJob:
        return accepted(await client.submit("noop"))

    @app.post("/for/{owner}")
    async def other(client: TidingsDep, owner: str) -> AcceptedJob:
        return accepted(await client.submit("noop", {}, owner=owner))

    return app


@asynccontextmanager
async def asked(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application, and ask it."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://a", timeout=scaled(30)) as client,
    ):
        yield client


def as_user(name: str) -> dict[str, str]:
    return {"x-user": name}


async def test_a_route_submits_as_its_user_and_answers_ack_and_grant(system: System) -> None:
    app, _ = mounted(system)
    async with asked(app) as client:
        answer = await until_async(
            lambda: client.post("/jobs", json={"text": "a"}, headers=as_user("ann")),
            lambda answer: answer.status_code != 404,
        )  # the kinds come from a worker, which has just begun
        assert answer.status_code == 202
        ack = answer.json()
        assert ack["grant"]["may"] == ["watch"]
        bearer = {"authorization": f"Bearer {ack['grant']['grant']}", "prefer": "wait=10"}
        found = await client.get(f"/tidings/v1/jobs/{ack['token']}", headers=bearer)
        while found.json()["status"] != "succeeded":
            more = {"if-none-match": found.headers["etag"]}
            found = await client.get(f"/tidings/v1/jobs/{ack['token']}", headers={**bearer, **more})
        assert found.json()["result"] == "a"
        assert (await client.get("/jobs", headers=as_user("ann"))).json() == [ack["token"]]
        assert (await client.get("/jobs", headers=as_user("ben"))).json() == []
        fresh = await client.post(f"/jobs/{ack['token']}/grant", headers=as_user("ann"))
        assert fresh.json()["grant"].startswith("tdg_")
        stranger = await client.post(f"/jobs/{ack['token']}/grant", headers=as_user("ben"))
        assert (stranger.status_code, stranger.json()["code"]) == (404, "unknown_token")


async def test_a_request_without_a_user_gets_no_client_and_so_not_the_server_s_own(system: System) -> None:
    app, tidings = mounted(system)
    async with asked(app) as client:
        for headers in ({}, as_user("")):
            for method, path in (("POST", "/jobs"), ("GET", "/jobs")):
                refused = await client.request(method, path, json={"text": "a"}, headers=headers)
                assert (refused.status_code, refused.json()) == (401, {"detail": "log in first"})
        assert (await client.get("/jobs", headers=as_user("refused"))).status_code == 403
        async with tidings.client() as own:
            assert [one async for one in own.jobs(tag="red", owner="")] == []


async def test_problems_are_the_application_s_answers(system: System) -> None:
    app, tidings = mounted(system)
    async with asked(app) as client:
        await until_async(lambda: "reject" in tidings.server.state.runtime.kinds.records, seconds=20)
        refused = await client.post("/jobs", json={"text": 1}, headers=as_user("cid"))
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.json()["code"], refused.json()["field"]) == ("invalid_input", "/input/text")
        failed = await client.get("/failed", headers=as_user("cid"))
        assert (failed.status_code, failed.json()["code"]) == (422, "rejected")


async def test_the_openapi_document_shows_the_answers(system: System) -> None:
    app, tidings = mounted(system)
    document = json.loads(json.dumps(app.openapi()))
    validate(document)
    responses = document["paths"]["/jobs"]["post"]["responses"]
    assert responses["202"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/AcceptedJob"}
    assert "`backlog_full`" in responses["429"]["description"]
    problem = responses["429"]["content"]["application/problem+json"]["schema"]
    assert {"type", "title", "status", "detail", "code", "retry_after"} <= problem["properties"].keys()
    assert "application/json" in responses["422"]["content"]
    await tidings.server.state.runtime.client.aclose()


async def test_a_server_elsewhere_gets_the_submissions_of_users(system: System) -> None:
    async with asked(remote(system.server.url)) as client, Client(system.server.url, credential=KEY) as shop:
        ack = (await client.post("/jobs", params={"text": "ab"}, headers=as_user("dan"))).json()
        assert ack["grant"]["may"] == ["watch", "cancel"]
        handle = await shop.watch(ack["token"], grant=ack["grant"]["grant"])
        assert await handle.result(timeout=scaled(15)) == "abab"
        with pytest.raises(ProblemError) as stranger:
            await shop.watch(ack["token"])
        assert stranger.value.code == "unknown_token"
        plain = (await client.post("/unfollowed", headers=as_user("dan"))).json()
        assert plain["grant"] is None
        assert (await client.post("/for/dan", headers=as_user("dan"))).status_code == 200
        with pytest.raises(ValueError, match="this client submits for 'dan'"):
            await client.post("/for/eve", headers=as_user("dan"))
        assert (await client.post("/unfollowed")).status_code == 401


async def test_while_the_server_is_away_a_route_answers_in_time(system: System) -> None:
    away = system.add_server(KEY, TIDINGS_AUTH="api_key", TIDINGS_API_KEYS=setting_line("shop", KEY, ()))
    async with asked(remote(away.url, within_s=0.2)) as client:
        away.close()
        answer = await client.post("/unfollowed", headers=as_user("flo"))
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert answer.headers["retry-after"] == "1"


async def test_a_connection_that_is_closed_for_good_is_answered_too(system: System) -> None:
    tidings = RemoteTidings(system.server.url, credential=KEY)
    app = FastAPI(lifespan=tidings.lifespan)
    tidings.install(app)

    @app.get("/")
    async def submit() -> None:
        await tidings.client.submit("noop")

    async with asked(app) as client:
        await tidings.client._close()
        answer = await client.get("/")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert "1000" not in answer.text  # what ended it is for operators
    with pytest.raises(RuntimeError, match="there is no connection"):
        _ = tidings.client


def test_nothing_else_of_the_library_imports_the_framework() -> None:
    program = (
        "import sys, tidings.client, tidings.testing, tidings_server.app, tidings_worker.worker, tidings_cli.main\n"
        "assert not {'fastapi'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


assert issubclass(JobFailed, ProblemError), "the outcome of a job is answered by its problem too"
