"""The documents as tools read them: linters find nothing in them, and what generators make of them works."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings_server.openapi.specification import asyncapi, openapi

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / ".venv-clients"
"""The generator of Python clients, and what its clients import: an environment like that of a user's."""

system = system_fixture()


@pytest.fixture(scope="module")
def served(system: System) -> dict[str, Any]:
    """The documents as the server sends them."""
    return {
        path: httpx.get(system.server.url + path, timeout=scaled(30)).json()
        for path in ("/openapi.json", "/asyncapi.json")
    }


@pytest.fixture(scope="module")
def found(system: System, served: dict[str, Any]) -> dict[str, Any]:
    """What the tools say that run on Node, once for all tests."""
    guarded = openapi(("jwt", "api_key", "application"), "/mounted")
    given = {
        "openapi": {"open": served["/openapi.json"], "guarded": guarded},
        "asyncapi": served["/asyncapi.json"],
        "url": system.server.url,
    }
    run = subprocess.run(
        ["node", str(HERE / "tools.mjs")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(90),
    )
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


@pytest.mark.parametrize("linter", ["redocly", "spectral"])
def test_the_recommended_rules_find_nothing_in_the_openapi_document(found: dict[str, Any], linter: str) -> None:
    assert found[linter] == {"open": [], "guarded": []}


def test_the_parser_finds_nothing_in_the_asyncapi_document(found: dict[str, Any]) -> None:
    assert found["asyncapi"] == []


def test_a_client_with_generated_types_compiles_and_works(found: dict[str, Any], system: System) -> None:
    assert found["typescript"] == []
    kinds = len(system.server.get("/v1/kinds")[1]["kinds"])
    assert found["client"] == {
        "result": "typed",
        "status": "succeeded",
        "field": "/input/text",
        "applied": "wait=30",
        "kinds": kinds,
    }


@pytest.fixture(scope="module")
def generated(served: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a generated package, and what the generator said."""
    subprocess.run(["make", "--silent", f"{ENVIRONMENT.name}/stamp"], cwd=ROOT, check=True, timeout=scaled(110))
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(served["/openapi.json"]))
    generator = [str(ENVIRONMENT / "bin/openapi-python-client"), "generate", "--meta", "none"]
    run = subprocess.run(
        [*generator, "--path", "openapi.json", "--output-path", "tidings_client"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(60),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder, run.stdout + run.stderr


def test_a_generated_client_in_python_works(generated: tuple[Path, str], system: System) -> None:
    folder, _ = generated
    run = subprocess.run(
        [str(ENVIRONMENT / "bin/python"), str(HERE / "usage.py"), system.server.url],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(60),
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "result": "typed",
        "status": "succeeded",
        "field": "/input/text",
        "applied": "wait=30",
        "batch": ["Ack", "Problem"],
        "kinds": len(system.server.get("/v1/kinds")[1]["kinds"]),
    }


def test_the_generator_passes_over_nothing_but_the_second_form_of_a_batch(generated: tuple[Path, str]) -> None:
    _, said = generated
    assert said.count("WARNING parsing") == 1
    assert "Unsupported content type application/x-ndjson" in said


def test_what_the_server_sends_is_what_the_tests_of_the_documents_read(served: dict[str, Any]) -> None:
    assert served["/openapi.json"] == json.loads(json.dumps(openapi()))
    assert served["/asyncapi.json"] == json.loads(json.dumps(asyncapi()))
