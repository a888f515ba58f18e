"""The server by its own OpenAPI document: whatever fits it, or nearly, is answered as it says."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.system import System, running_system
from support.timeouts import scaled
from tidings_server.document import openapi

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schemathesis.serializer.alias("application/x-ndjson", "text/plain")  # else what is made up of it would not be sent
schema = schemathesis.openapi.from_dict(openapi())


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system() as system:
        yield system


@pytest.fixture(scope="module")
def token(system: System) -> str:
    """Of a job that has ended, so that its streams end too."""
    answer = httpx.post(
        system.server.url + "/v1/jobs", json={"kind": "noop", "input": {}}, headers={"prefer": "wait=10"}
    )
    found: str = answer.json()["token"]
    return found


@schema.parametrize()
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_says(case: schemathesis.Case[Any], system: System, token: str) -> None:
    known = len(repr(case)) % 2 == 0  # of what is made up, about half is asked of a job that there is
    if known and "token" in (case.path_parameters or {}):
        case.path_parameters["token"] = token
    if known and isinstance(case.body, dict):
        case.body["kind"] = "noop"
    case.call_and_validate(base_url=system.server.url, checks=CHECKS, timeout=scaled(30))


def test_the_server_is_unharmed(system: System) -> None:
    assert system.server.process.poll() is None
    assert "Traceback" not in system.server.text()
    assert '"unexpected"' not in system.server.text()
