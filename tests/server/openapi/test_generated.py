"""What a generator makes of the document submits a job and reads the answers, against a real server."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings.protocol.states import TERMINAL

system = system_fixture()


@pytest.fixture(scope="module")
def models(system: System, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The types that datamodel-code-generator makes of what the server answers."""
    folder = tmp_path_factory.mktemp("generated")
    document, code = folder / "openapi.json", folder / "models_of_tidings.py"
    document.write_bytes(httpx.get(f"{system.server.url}/openapi.json").content)
    command = [
        sys.executable, "-m", "datamodel_code_generator", "--input", str(document), "--input-file-type", "openapi",
        "--output", str(code), "--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=scaled(60), check=False)
    assert done.returncode == 0, done.stderr
    return imported(code)


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_a_job_is_submitted_and_read_by_what_was_generated(system: System, models: Any) -> None:
    # What may be left out need not be given, and is not sent.
    body = models.Submission(kind="echo", input={"text": "a"}).model_dump_json(exclude_unset=True)
    with httpx.Client(base_url=system.server.url, timeout=scaled(20)) as http:
        answer = http.post("/v1/jobs", content=body)
        assert answer.status_code == 202
        ack = models.Ack.model_validate_json(answer.content)
        path = answer.headers["location"]
        headers = {"prefer": "wait=10", "if-none-match": f'"{ack.seq}"'}
        while True:
            answer = http.get(path, headers=headers)
            assert answer.status_code == 200, answer.text
            snapshot = models.Snapshot.model_validate_json(answer.content)
            if snapshot.status.value in TERMINAL:
                break
            headers["if-none-match"] = answer.headers["etag"]
        assert (snapshot.token, snapshot.result) == (ack.token, "a")
        kinds = models.KindList.model_validate_json(http.get("/v1/kinds").content)
        assert "echo" in [kind.kind for kind in kinds.kinds]
        refused = http.post("/v1/jobs", json={"kind": "no_such", "input": {}})
        assert models.Problem.model_validate_json(refused.content).code.value == "unknown_kind"
