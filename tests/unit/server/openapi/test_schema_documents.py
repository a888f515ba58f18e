"""Each type of the contract as a schema that stands alone."""

import json
from collections.abc import AsyncIterator

import httpx
import jsonschema_rs
import pytest

from tidings_server.app import create_app
from tidings_server.openapi.schema_documents import DIALECT, schema_documents
from tidings_server.openapi.specification import asyncapi, openapi
from tidings_server.settings import ServerSettings

TYPES = schema_documents(openapi(), asyncapi())


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ServerSettings(store_url="redis://127.0.0.1:1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
        yield http


def test_a_name_means_one_type_in_both_documents() -> None:
    ours, theirs = openapi()["components"]["schemas"], asyncapi()["components"]["schemas"]
    assert ours.keys() & theirs.keys()
    assert {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]} == set()
    assert TYPES.keys() == ours.keys() | theirs.keys()


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_stands_alone(name: str) -> None:
    schema = json.loads(json.dumps(TYPES[name]))
    assert (schema["$schema"], schema["$id"]) == (DIALECT, f"urn:tidings:schema:{name}")
    jsonschema_rs.validator_for(schema)  # raises where a reference leads nowhere
    assert "#/components" not in json.dumps(schema)
    text = json.dumps({key: value for key, value in schema.items() if key != "$defs"}) + json.dumps(
        schema.get("$defs", {})
    )
    assert all(f'"#/$defs/{one}"' in text for one in schema.get("$defs", {}))


async def test_the_server_lists_the_types_and_sends_each(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/v1/schemas")).json()
    assert listed == {"schemas": sorted(TYPES)}
    answer = await http.get("/v1/schemas/Submission")
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json() == json.loads(json.dumps(TYPES["Submission"]))
    assert jsonschema_rs.is_valid(answer.json(), {"kind": "echo", "input": {}})
    assert not jsonschema_rs.is_valid(answer.json(), {"kind": "echo"})


@pytest.mark.parametrize(
    ("name", "says", "field"), [("submission", "`Submission`", "/name"), ("x" * 200, "has no type", None)]
)
async def test_a_type_that_there_is_not_is_unknown(
    http: httpx.AsyncClient, name: str, says: str, field: str | None
) -> None:
    answer = await http.get(f"/v1/schemas/{name}")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (404, "unknown_name", field)
    assert says in problem["detail"]
    assert len(problem["detail"]) < 1_000
