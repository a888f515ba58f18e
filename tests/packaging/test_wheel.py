"""The wheel, installed into an empty environment far from the checkout, is all one needs."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.floors import floor_of, requirements
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
JOBS = """
from tidings import Context, job

@job
async def greet(ctx: Context, name: str) -> str:
    await ctx.progress(0.5, message="thinking")
    return f"hello {name}"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", params=["newest", "oldest"])
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the newest dependencies that were tried, or the oldest that are admitted."""
    constraints = CONSTRAINTS
    if request.param == "oldest":
        constraints = tmp_path_factory.mktemp("floors") / "constraints.txt"
        asked = requirements("cli", "server", "worker", "embedded", "dev")
        constraints.write_text("".join(f"{one.name}=={floor_of(one)}\n" for one in asked))
    return install(tmp_path_factory.mktemp("environment"), f"tidings[dev] @ {wheel.as_uri()}", constraints)


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it brings along without any extra."""
    return install(tmp_path_factory.mktemp("bare"), f"tidings @ {wheel.as_uri()}")


def install(folder: Path, requirement: str, constraints: Path = CONSTRAINTS) -> Path:
    """Install into an environment of its own; return the folder of its programs."""
    venv.create(folder)
    # By the pip of the tests: to give each environment one of its own, and to compile all it brings, takes longer.
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "-c", str(constraints), requirement], check=True, env=outside())
    return folder / "bin"


def outside() -> dict[str, str]:
    """The environment without what would lead back to the checkout."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def test_the_wheel_holds_the_packages_the_scripts_and_the_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "tidings/py.typed",
        "tidings_cli/py.typed",
        "tidings_server/py.typed",
        "tidings_worker/py.typed",
        "tidings/store/lua/jobs/submit.lua",
        "tidings/store/lua/lib/keys.lua",
        "tidings_server/static/index.html",
        "tidings_server/static/tidings.js",
    ):
        assert name in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "tidings",
        "tidings_cli",
        "tidings_server",
        "tidings_worker",
    }


@pytest.fixture
def dev(installed: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    (tmp_path / "jobs.py").write_text(JOBS)
    port = free_port()
    with subprocess.Popen(
        [str(installed / "tidings"), "dev", "jobs.py", "--port", str(port)],
        cwd=tmp_path,
        env=outside(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def kinds(url: str) -> list[str]:
    try:
        with urllib.request.urlopen(url + "/v1/kinds", timeout=scaled(5)) as answer:
            return [kind["kind"] for kind in json.load(answer)["kinds"]]
    except OSError:
        return []


@pytest.mark.timeout(180)
def test_tidings_dev_runs_from_an_installed_wheel_and_stops_cleanly(
    installed: Path, dev: tuple[subprocess.Popen[str], str]
) -> None:
    process, url = dev
    until(
        lambda: kinds(url) == ["greet"],
        lambda: process.poll() is not None and process.stdout and process.stdout.read(),
        seconds=60,
        process=process,
    )
    with urllib.request.urlopen(url + "/", timeout=scaled(5)) as page:
        assert b"static/" in page.read()
    with urllib.request.urlopen(url + "/static/tidings.js", timeout=scaled(5)) as script:
        assert script.status == 200
    found = subprocess.run(
        [str(installed / "tidings"), "submit", "greet", "name=world", "--follow", "--url", url],
        capture_output=True,
        text=True,
        check=True,
        env=outside(),
    )
    assert json.loads(found.stdout) == "hello world"
    process.send_signal(signal.SIGINT)
    assert process.wait(scaled(15)) == 0, process.stdout and process.stdout.read()


def test_the_library_alone_is_enough_to_write_jobs_and_to_submit(bare: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from tidings import Client, Context, Reject, job\n"
        "@job\n"
        "async def f(ctx: Context, a: int) -> int: return a\n"
        "assert f.record().kind == 'f'\n"
        "Client('http://127.0.0.1:1')\n"
        "assert not {'starlette', 'uvicorn', 'tidings_server', 'tidings_worker'} & set(sys.modules)\n"
        "from importlib.util import find_spec\n"
        "assert not any(map(find_spec, ('typer', 'rich', 'pygments')))\n"
    )
    subprocess.run([str(bare / "python"), "-c", script], check=True, cwd=tmp_path, env=outside())


@pytest.mark.parametrize(
    "command", [["tidings"], ["tidings", "status", "--json"], ["python", "-m", "tidings", "serve"]]
)
def test_without_its_extra_the_command_line_says_in_one_line_what_to_install(bare: Path, command: list[str]) -> None:
    program, *arguments = command
    refused = subprocess.run(
        [str(bare / program), *arguments], capture_output=True, text=True, check=False, env=outside()
    )
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == (
        "tidings: the command line is not installed (typer is missing): pip install 'tidings[cli]'\n"
    )


def test_the_command_line_alone_says_which_extra_a_command_of_another_package_needs(
    wheel: Path, tmp_path: Path
) -> None:
    programs = install(tmp_path, f"tidings[cli] @ {wheel.as_uri()}")
    for command, extra in (("serve", "server"), ("work", "worker"), ("key", "server")):
        refused = subprocess.run(
            [str(programs / "tidings"), command], capture_output=True, text=True, check=False, env=outside()
        )
        assert refused.returncode == 1
        assert f"pip install 'tidings[{extra}]'" in refused.stderr
