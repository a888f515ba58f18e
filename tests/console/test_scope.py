"""Who may: admins, and nobody else, on every path of the document; so a new one cannot be forgotten."""

import re

import httpx
import pytest
from starlette.routing import Route

from support.credential import bearer, token
from support.peer import peer
from support.system import System
from support.timeouts import scaled
from tidings_server.app import create_app
from tidings_server.openapi.specification import openapi
from tidings_server.settings import ServerSettings

PATHS = [
    (method.upper(), re.sub(r"\{\w+\}", "default", path))
    for path, item in openapi()["paths"].items()
    if path.startswith("/v1/admin/")
    for method in ("get", "post", "put", "delete")
    if method in item
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_the_scope_admin_it_is_refused(system: System, method: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30)) as http:
        for credential, status, code in (
            ("", 401, "unauthenticated"),
            (token("alice"), 403, "forbidden"),
            (token("alice", "submit watch cancel nonsense"), 403, "forbidden"),
        ):
            answer = await http.request(method, path, headers=bearer(credential) if credential else {}, json={})
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_one_without_the_scope_is_told_no_overview(system: System) -> None:
    async with peer(system.server.socket_url, additional_headers=bearer(token("alice"))) as alice:
        answer = await alice.ask("observe")
        assert (answer["type"], answer["problem"]["code"]) == ("error", "forbidden")


def test_every_route_for_operators_is_in_the_document() -> None:
    routes = {
        (method, route.path)
        for route in create_app(ServerSettings(store_url="redis://127.0.0.1:1")).routes
        if isinstance(route, Route) and route.path.startswith("/v1/admin/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    documented = {
        (method.upper(), path)
        for path, item in openapi()["paths"].items()
        if path.startswith("/v1/admin/")
        for method in item.keys() - {"parameters"}
    }
    assert routes == documented
