"""The documents for programs: well-formed, and true of what the server sends."""

import json
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import validate

from tidings.contract.frame import Ack
from tidings_server.document import asyncapi, openapi


def as_json(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


def test_the_openapi_document_is_valid() -> None:
    validate(as_json(openapi()))


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
