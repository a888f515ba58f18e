"""What pytest finds where Tidings is installed: fixtures that work under each plugin for asynchronous tests."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

JOBS = """
from tidings import Context, job

@job
async def remind(ctx: Context, user: str) -> str:
    await ctx.sleep(days=3)
    return f"hello {user}"
"""

HEAD = """
import asyncio, sys
import jobs, pytest
from tidings.testing import World

@pytest.fixture
def tidings_jobs():
    return jobs
"""

OPTIONS = """
@pytest.fixture
def tidings_options():
    return {"state": "a state", "lease_s": 20}
"""

TESTS = """
async def check_world(world):
    job = await world.submit(jobs.remind, user="ada")
    await world.advance(days=3)
    assert job.result == "hello ada"

MARK
async def test_three_days(tidings_world):
    await check_world(tidings_world)

MARK
async def test_a_world_beside_another(tidings_world):
    async with World(jobs) as other:
        await asyncio.gather(check_world(tidings_world), check_world(other))

MARK
async def test_server(tidings_server):
    from tidings import Client
    async with Client(tidings_server.url) as client:
        assert (await client.submit("remind", user="ada")).token
"""

PLAIN = """
def test_without_a_loop():
    async def test():
        async with World(jobs) as world:
            return await (await world.submit("remind", user="ada")).finish()

    assert asyncio.run(test()) == "hello ada"
"""

UVLOOP = """
@pytest.fixture(params=[("asyncio", {"use_uvloop": True})])
def anyio_backend(request):
    return request.param
"""


def run_pytest(folder: Path, tests: str, *plugins: str) -> str:
    """Return what a pytest of its own, with these plugins and ours, says of some tests."""
    (folder / "jobs.py").write_text(JOBS)
    (folder / "test_jobs.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for plugin in ("tidings", *plugins):
        command += ["-p", plugin]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONWARNINGS": "default"}
    return subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False).stdout


def test_pytest_finds_the_plugin_where_tidings_is_installed() -> None:
    (found,) = metadata.entry_points(group="pytest11", name="tidings")
    assert found.value == "tidings.testing.pytest_plugin"


def test_the_fixtures_work_under_pytest_asyncio(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, HEAD + TESTS.replace("MARK", "@pytest.mark.asyncio"), "pytest_asyncio.plugin")
    assert "3 passed" in said, said


def test_the_fixtures_work_under_anyio_and_uvloop_and_in_plain_tests(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, HEAD + OPTIONS + UVLOOP + TESTS.replace("MARK", "@pytest.mark.anyio") + PLAIN, "anyio")
    assert "4 passed" in said, said


def test_the_plugin_loads_little_and_a_test_that_names_no_jobs_is_told_how(tmp_path: Path) -> None:
    check = (
        "import sys\n"
        "def test_light():\n"
        "    assert 'tidings.testing.pytest_plugin' in sys.modules\n"
        "    assert not {'redis', 'websockets', 'tidings_worker', 'tidings_server'} & set(sys.modules)\n"
        "def test_it(tidings_world): ...\n"
    )
    said = run_pytest(tmp_path, check)
    assert "1 passed, 1 error" in said, said
    assert "conftest.py, such as `def tidings_jobs(): return jobs`" in said, said
