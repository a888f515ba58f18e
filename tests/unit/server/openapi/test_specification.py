"""The documents for programs: well-formed, and true of what the server sends."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from openapi_spec_validator import validate
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from tidings.protocol.events import EventName, StreamEvent
from tidings.protocol.frames.messages import Ack
from tidings.protocol.problems import CODES
from tidings.protocol.states import State
from tidings_server.app import create_app
from tidings_server.jobs.client_answers import UNSERVED
from tidings_server.openapi.operation_descriptions import DESCRIPTIONS
from tidings_server.openapi.specification import asyncapi, openapi
from tidings_server.settings import ServerSettings

WAYS: tuple[tuple[str, ...], ...] = ((), ("jwt",), ("api_key",), ("jwt", "api_key"), ("application",))


def as_json(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, of in document["paths"].items():
        for method in of.keys() - {"parameters"}:
            yield f"{method} {path}", of[method]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]["properties"]
    return found


@pytest.mark.parametrize("ways", WAYS)
def test_the_openapi_document_is_valid(ways: tuple[str, ...]) -> None:
    validate(as_json(openapi(ways, "/mounted")))


@pytest.mark.parametrize("document", [openapi(("jwt",)), asyncapi()], ids=["openapi", "asyncapi"])
def test_every_field_every_parameter_and_every_type_is_described(document: dict[str, Any]) -> None:
    lacking = [
        f"{name}.{field}"
        for name, of in document["components"]["schemas"].items()
        for field, property_ in of.get("properties", {}).items()
        if not property_.get("description", "").strip()
    ]
    lacking += [name for name, of in document["components"]["schemas"].items() if not of.get("description")]
    for path, of in document.get("paths", {}).items():
        given = [
            *of.get("parameters", ()),
            *(one for _, item in operations(document) for one in item.get("parameters", ())),
        ]
        lacking += [f"{path}?{one['name']}" for one in given if not one.get("description")]
    for message in document.get("channels", {}).get("socket", {}).get("messages", {}).values():
        assert message["summary"]
    assert lacking == []


def test_a_description_is_the_docstring_below_the_field() -> None:
    assert schema(openapi(), "Ack")["position"]["description"] == "Jobs ahead in the queue, approximate."
    # Of a field that a type inherits, too.
    assert schema(openapi(), "JobDetail")["seq"]["description"] == "The newest number; events resume above it."


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, operation in operations(openapi())]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)
    tags = {tag["name"] for tag in openapi()["tags"]}
    assert all(set(operation["tags"]) <= tags and operation["summary"] for _, operation in operations(openapi()))


@pytest.mark.parametrize("document", [openapi(), asyncapi()], ids=["openapi", "asyncapi"])
def test_what_a_client_may_leave_out_is_neither_required_nor_given_a_default(document: dict[str, Any]) -> None:
    requests = [of for of in document["components"]["schemas"].values() if of.get("additionalProperties") is False]
    assert len(requests) > 3
    for of in requests:
        assert all("default" not in property_ for property_ in of["properties"].values())
    name = "Submission" if "Submission" in document["components"]["schemas"] else "Submit"
    of = document["components"]["schemas"][name]
    assert set(of["required"]) - {"type", "ref"} == {"kind", "input"}
    assert of["properties"]["watch"]["description"].endswith("Default: `true`.")


@pytest.mark.parametrize(
    ("name", "field", "values"),
    [
        ("Ack", "status", [*State, "unknown"]),
        ("Snapshot", "status", [*State]),
        ("JobLine", "state", [*State]),
        ("EventFrame", "event", [*EventName, *StreamEvent]),
        ("EventFrame", "status", [*State]),
        ("Problem", "code", [*CODES]),
        ("LetterView", "code", [*CODES]),
        ("AuditLine", "outcome", ["done", *CODES]),
        ("BreakerLine", "state", ["closed", "open", "half_open"]),
        ("Ack", "degraded", ["circuit_open", "fallback", "shed", UNSERVED]),
        ("Refusal", "why", ["gone", "live", "held"]),
        ("PastAttempt", "event", ["retrying", "failed", "lost"]),
        ("KindRecord", "when_busy", ["refuse", "shed"]),
    ],
)
def test_a_text_that_is_one_of_some_says_which(name: str, field: str, values: list[str]) -> None:
    of = schema(as_json(openapi()), name)[field]
    assert of.get("enum", of.get("anyOf", [of])[0].get("enum")) == values


@pytest.mark.parametrize("ways", WAYS)
def test_security_is_what_the_server_asks_for(ways: tuple[str, ...]) -> None:
    document = openapi(ways)
    schemes = document["components"].get("securitySchemes", {})
    assert set(schemes) == ({"bearer", "ticket", "grant"} if ways else set())
    assert (schemes.get("bearer", {}).get("bearerFormat") == "JWT") == ("jwt" in ways)
    for name, operation in operations(document):
        wanted = [set(one) for one in operation.get("security", document["security"])]
        streams = name in ("get /v1/jobs/{token}/events", "get /v1/jobs/{token}/streams/{name}", "get /v1/events")
        public = name.startswith("get /v1/schemas")
        ticket = [{"ticket"}] if streams or name == "get /v1/feed" else []
        accepted = [{"bearer"}, *ticket, *([{"grant"}] if streams else [])]
        assert wanted == (accepted if ways and not public else [])
        assert ("401" in operation["responses"]) == bool(ways and not public)
        assert ("x-scopes" in operation) == ("Needs the scope" in operation["description"])
        assert ("x-scopes" in operation) <= bool(ways)


def test_a_stream_is_a_text_whose_events_are_described() -> None:
    document = openapi()
    for path in ("/v1/jobs/{token}/events", "/v1/events"):
        stream = document["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
        assert stream["schema"]["type"] == "string"
        assert set(stream["x-itemSchema"]["properties"]) == {"id", "event", "data"}
        assert stream["schema"]["contentSchema"] == {"type": "array", "items": stream["x-itemSchema"]}


def test_each_operation_has_a_description_besides_its_summary() -> None:
    found = [operation for _, operation in operations(openapi())]
    assert {operation["operationId"] for operation in found} == set(DESCRIPTIONS)
    assert all(operation["description"] != operation["summary"] for operation in found)


def test_another_name_of_a_parameter_stands_beside_it() -> None:
    for name, operation in operations(openapi()):
        names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        assert names.count("starting_after") == names.count("after"), name
    get = openapi()["paths"]["/v1/jobs/{token}"]["get"]
    own, other = (one for one in get["parameters"] if one["in"] == "query")
    assert {**own, "name": "", "description": ""} == {**other, "name": "", "description": ""}


def test_every_answer_says_its_headers_and_every_refusal_is_a_problem() -> None:
    document = openapi(("jwt",))
    paths = document["paths"]
    headers = set(paths["/v1/jobs"]["post"]["responses"]["202"]["headers"])
    assert headers == {"Location", "Retry-After", "Preference-Applied"}
    for path, method, status in (
        ("/v1/jobs", "post", "200"),
        ("/v1/jobs/{token}", "get", "200"),
        ("/v1/jobs/{token}", "get", "304"),
    ):
        assert set(paths[path][method]["responses"][status]["headers"]) == {"ETag", "Preference-Applied"}
    for name, operation in operations(document):
        refused = [status for status in operation["responses"] if status == "default" or status >= "400"]
        credentials = set() if name.startswith("get /v1/schemas") else {"401", "403"}
        assert {"400", "429", "500", "503", "default", *credentials} <= set(refused)
        for status in refused:
            answer = operation["responses"][status]
            if "$ref" in answer:
                answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            content = dict(answer.get("content", {}))
            if name == "post /mcp":  # its protocol has errors of its own
                content.pop("application/json", None)
            if name != "post /mcp" or status not in ("406", "415"):
                assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            assert ("Retry-After" in answer.get("headers", {})) == (status in ("429", "503"))


@pytest.mark.parametrize("document", [openapi(), asyncapi()], ids=["openapi", "asyncapi"])
def test_patterns_are_of_the_kind_that_every_engine_knows(document: dict[str, Any]) -> None:
    assert r"(?!" not in json.dumps(document)


def test_what_a_server_leaves_out_is_given_no_default() -> None:
    document = openapi()
    for name in ("Problem", "Snapshot", "Step"):
        assert all("default" not in property_ for property_ in schema(document, name).values()), name
    assert schema(document, "Ack")["duplicate"]["default"] is False  # always there


def test_an_object_with_any_members_says_so() -> None:
    document = openapi()
    assert schema(document, "Submission")["input"]["additionalProperties"] is True
    (errors, _) = schema(document, "Problem")["errors"]["anyOf"]
    assert errors["items"]["additionalProperties"] is True


@pytest.mark.parametrize("root", ["", "/app/push"])
async def test_the_document_names_the_path_under_which_the_server_is_mounted(root: str) -> None:
    app: ASGIApp = create_app(ServerSettings(store_url="redis://127.0.0.1:1"))
    if root:
        app = Starlette(routes=[Mount(root, app)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
        first, second = [(await http.get(f"{root}/openapi.json")).json() for _ in range(2)]
        assert first == second
        assert first["servers"] == [{"url": root or "/"}]
        assert (await http.get(f"{root}/asyncapi.json")).json() == as_json(asyncapi())


@pytest.mark.parametrize("document", [openapi(), asyncapi()])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                place: Any = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    place = place[part]
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(document)


def test_an_ack_is_what_the_document_says() -> None:
    document = asyncapi()
    schema = {**document["components"]["schemas"]["Ack"], "components": document["components"]}
    ack = {"type": "ack", "ref": 1, "token": "t", "status": "queued", "seq": 1}
    assert jsonschema_rs.is_valid(schema, ack)
    assert not jsonschema_rs.is_valid(schema, {**ack, "seq": "1"})
    assert Ack(token="t", status="queued", seq=1).duplicate is False
