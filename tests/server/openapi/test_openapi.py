"""The server by its own OpenAPI document: whatever fits it, or nearly, is answered as it says."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings_server.openapi.specification import openapi


def with_events_for_streams(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as this tool reads it: with the schema of each event in the place of the stream's."""
    for of in document["paths"].values():
        for operation in (of[method] for method in of if method != "parameters"):
            for answer in operation["responses"].values():
                stream = answer.get("content", {}).get("text/event-stream")
                if stream is not None:
                    assert stream["schema"]["type"] == "string"
                    stream["schema"] = stream.pop("x-itemSchema", {})  # nothing is said of the parts of a chat
    return document


DOCUMENT = with_events_for_streams(json.loads(json.dumps(openapi())))
# A feed streams for ever; tests/groups/test_feed.py reads it.
OPERATIONS = [
    (path, method)
    for path, of in DOCUMENT["paths"].items()
    for method in of
    if method != "parameters" and path != "/v1/feed"
]
EXAMPLES = 20
"""Requests that are made up for each operation."""


@pytest.fixture(scope="module")
def schema() -> Any:
    """The document as the tool reads it."""
    import schemathesis  # noqa: PLC0415 - as heavy as all of pytest, and only here

    schemathesis.serializer.alias("application/x-ndjson", "text/plain")  # else what is made up of it would not be sent
    return schemathesis.openapi.from_dict(DOCUMENT)


# The streams of a tag end by their age alone.
system = system_fixture(server={"TIDINGS_MAX_CONNECTION_AGE_S": "0.5"})


@pytest.fixture(scope="module")
def token(system: System) -> str:
    """Of a job that has ended, so that its streams end too."""
    answer = httpx.post(
        system.server.url + "/v1/jobs", json={"kind": "noop", "input": {}}, headers={"prefer": "wait=10"}
    )
    found: str = answer.json()["token"]
    return found


# Not by the tool's own `schema.parametrize()`: under pytest 9.2 all its tests have one name, of which pytest-xdist runs
# one.
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_the_document_says(path: str, method: str, schema: Any, system: System, token: str) -> None:
    from schemathesis import GenerationMode  # noqa: PLC0415
    from schemathesis.checks import not_a_server_error  # noqa: PLC0415
    from schemathesis.specs.openapi import checks  # noqa: PLC0415

    all_checks = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    operation = schema[path][method]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def ask(case: Any) -> None:
        known = len(repr(case)) % 2 == 0  # of what is made up, about half is asked of a job that there is
        if known and "token" in (case.path_parameters or {}):
            case.path_parameters["token"] = token
        if known and isinstance(case.body, dict):
            case.body["kind"] = "noop"
        case.call_and_validate(base_url=system.server.url, checks=all_checks, timeout=scaled(30))

    ask()


def test_the_server_is_unharmed(system: System) -> None:
    assert system.server.process.poll() is None
    assert "Traceback" not in system.server.text()
    assert '"unexpected"' not in system.server.text()
