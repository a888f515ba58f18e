"""How the server tells clients and operators of what is going to leave the HTTP interface."""

from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs

import tidings_server.app
from tidings_server.app import create_app
from tidings_server.openapi.specification import openapi
from tidings_server.settings import ServerSettings
from tidings_server.web.deprecations import DEPRECATIONS, Deprecation

ROOT = Path(__file__).parents[4]
NOTICE = timedelta(days=180)
"""How long what is deprecated stays at least: docs/reference/compatibility.md says so."""

WHOLE = Deprecation("GET", "/v1/schemas", date(2026, 12, 1), date(2027, 6, 1), "Read `/openapi.json`.")
PARAMETER = Deprecation(
    "GET", "/v1/jobs/{token}", date(2026, 12, 1), date(2027, 6, 1), "Give `after`.", "starting_after"
)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Starlette:
    monkeypatch.setattr(tidings_server.app, "DEPRECATIONS", (WHOLE, PARAMETER))
    return create_app(ServerSettings(store_url="redis://127.0.0.1:1"))


async def get(app: Starlette, *paths: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
        return [await http.get(path) for path in paths]


async def test_an_answer_says_that_the_operation_is_deprecated_and_until_when(app: Starlette) -> None:
    (answer,) = await get(app, "/v1/schemas")
    assert answer.status_code == 200
    # RFC 9745: a date as a structured field; RFC 8594: a date of HTTP.
    assert answer.headers["deprecation"].startswith("@")
    since = datetime.fromtimestamp(int(answer.headers["deprecation"][1:]), UTC)
    assert since.date() == WHOLE.since
    assert parsedate_to_datetime(answer.headers["sunset"]).date() == WHOLE.sunset
    assert answer.headers["link"] == '</openapi.json>; rel="deprecation"; type="application/json"'


async def test_only_the_use_of_what_is_deprecated_is_told(app: Starlette) -> None:
    token = "default." + "A" * 22
    used, unused, other = await get(
        app, f"/v1/jobs/{token}?starting_after=1", f"/v1/jobs/{token}?after=1", "/v1/schemas/Ack"
    )
    assert "deprecation" in used.headers  # a refusal says so too
    assert used.status_code == unused.status_code == 503
    for answer in (unused, other):
        assert not {"deprecation", "sunset", "link"} & answer.headers.keys()


async def test_the_process_logs_the_first_use_alone(app: Starlette) -> None:
    with capture_logs() as lines:
        await get(app, "/v1/schemas", "/v1/schemas")
    (line,) = [line for line in lines if line["event"] == "deprecated_request"]
    assert (line["log_level"], line["operation"], line["instead"]) == ("warning", "GET /v1/schemas", WHOLE.instead)


async def test_the_link_leads_to_the_document_where_the_server_is_mounted(app: Starlette) -> None:
    (answer,) = await get(Starlette(routes=[Mount("/push", app)]), "/push/v1/schemas")
    assert answer.headers["link"].startswith("</push/openapi.json>")


def test_the_document_marks_what_is_deprecated_and_says_what_to_use() -> None:
    paths = openapi(deprecations=(WHOLE, PARAMETER))["paths"]
    operation = paths["/v1/schemas"]["get"]
    assert operation["deprecated"] is True
    assert operation["description"].endswith(WHOLE.sentence())
    parameters = {one["name"]: one for one in paths["/v1/jobs/{token}"]["get"]["parameters"]}
    assert parameters["starting_after"]["deprecated"] is True
    assert "deprecated" not in parameters["after"]
    assert "deprecated" not in paths["/v1/jobs/{token}"]["get"]
    assert "deprecated" not in openapi(deprecations=())["paths"]["/v1/schemas"]["get"]


def test_a_route_that_there_is_not_cannot_be_deprecated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidings_server.app, "DEPRECATIONS", (WHOLE._replace(path="/v1/nothing"),))
    with pytest.raises(ValueError, match="no route GET /v1/nothing"):
        create_app(ServerSettings(store_url="redis://127.0.0.1:1"))


def broken_promises(one: Deprecation, changelog: str) -> list[str]:
    """Return what the policy promises of a deprecation, and is not so."""
    found = [] if one.sunset - one.since >= NOTICE else ["it goes too soon"]
    return found if (one.parameter or one.path) in changelog else [*found, "the changelog does not name it"]


def test_what_is_deprecated_keeps_what_the_policy_promises() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text() if DEPRECATIONS else ""
    assert {one: broken_promises(one, changelog) for one in DEPRECATIONS} == {one: [] for one in DEPRECATIONS}


def test_a_deprecation_that_breaks_the_policy_is_found() -> None:
    assert broken_promises(WHOLE, f"Deprecated: {WHOLE.path}") == []
    hasty = WHOLE._replace(sunset=WHOLE.since + NOTICE - timedelta(days=1))
    assert broken_promises(hasty, "") == ["it goes too soon", "the changelog does not name it"]
