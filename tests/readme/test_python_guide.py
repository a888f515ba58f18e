"""The guide for Python, word for word: its programs run, and the rest of its code can be read by Python."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.store import running_store
from support.system import System
from support.timeouts import scaled

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/how-to/python.md").read_text(), re.DOTALL | re.MULTILINE)
PROGRAMS = [block for block in BLOCKS if "http://127.0.0.1:8700" in block]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that serves the README's kind."""
    jobs = tmp_path_factory.mktemp("guide") / "jobs.py"
    found = re.search(r"^```python\n(# jobs.py\n.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    jobs.write_text(found[1])
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(str(jobs))
            yield system.add_server().url
        finally:
            system.close()


@pytest.mark.parametrize("program", PROGRAMS, ids=["with an event loop", "without"])
def test_a_program_of_the_guide_runs(url: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program.replace("http://127.0.0.1:8700", url)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
        timeout=scaled(60),
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "{'words': 6}"
    assert lines[-2].split(" ", 2)[1] == "succeeded"


@pytest.mark.parametrize("block", BLOCKS)
def test_all_code_of_the_guide_is_python(block: str) -> None:
    compile(block, "python.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
