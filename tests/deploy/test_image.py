"""The image: its process starts, answers its health check and stops, as its user, on a root that cannot be written."""

import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from deploy.container import Container, lacking, running
from deploy.image import ROOT, Image, image
from support.store import StoreProcess, running_store
from support.timeouts import scaled
from tidings.process.port import free_port

needs_namespaces = pytest.mark.skipif(bool(lacking()), reason=lacking() or "none")


@pytest.fixture(scope="module")
def store() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


@pytest.fixture
def output() -> Iterator[IO[str]]:
    with tempfile.TemporaryFile("w+") as output:
        yield output


@pytest.fixture
def app(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "deploy/compose/jobs.py", tmp_path)
    tmp_path.chmod(0o755)
    return tmp_path


def printed(output: IO[str]) -> str:
    output.seek(0)
    return output.read()


def check(app: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run the health check beside a container, in one of its own with the same network."""
    with tempfile.TemporaryFile("w+") as output, running(app, output, image().health_check, **environment) as one:
        return one.process.wait(scaled(20)), printed(output)


def wait_until_it_answers(environment: dict[str, str], container: Container, output: IO[str]) -> None:
    port = environment.get("TIDINGS_METRICS_PORT") or environment["TIDINGS_PORT"]
    give_up = time.monotonic() + scaled(30)
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=scaled(5)):
                return
        except OSError:
            assert container.process.poll() is None, printed(output)
            assert time.monotonic() < give_up, printed(output)
            time.sleep(0.05)


def commands(store: StoreProcess) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    common = {"TIDINGS_STORE_URL": store.url}
    port = str(free_port())
    return {
        "server": ((), common | {"TIDINGS_PORT": port, "TIDINGS_ALLOW_PUBLIC_WITHOUT_AUTH": "true"}),
        "worker": (("work", "jobs.py"), common | {"TIDINGS_METRICS_PORT": port}),
    }


@needs_namespaces
@pytest.mark.parametrize("who", ["server", "worker"])
def test_a_process_of_the_image_is_healthy_and_stops_at_its_signal(
    store: StoreProcess, app: Path, output: IO[str], who: str
) -> None:
    arguments, environment = commands(store)[who]
    code, said = check(app, environment)
    assert code == 1, "the check fails while nothing answers"
    assert "no answer at port" in said
    with running(app, output, image().command(*arguments), **environment) as container:
        wait_until_it_answers(environment, container, output)
        assert check(app, environment) == (0, "")
        container.send(image().last("STOPSIGNAL").text)
        assert container.process.wait(scaled(20)) == 0, printed(output)
    assert '"level": "error"' not in printed(output)


TRY_TO_WRITE = """
import os, pathlib
for folder in ("/", "/app", "/opt/tidings", "/usr"):
    try:
        pathlib.Path(folder, "file").write_text("x")
    except OSError:
        continue
    raise SystemExit(f"{folder} can be written")
pathlib.Path("/tmp/file").write_text("x")
status = pathlib.Path("/proc/self/status").read_text()
print(os.getuid(), os.getgid(), os.getgroups(), os.getpid(), "CapBnd:\\t0000000000000000" in status,
      "NoNewPrivs:\\t1" in status, sorted(one for one in os.environ if one.startswith("TIDINGS_")))
"""


@needs_namespaces
def test_the_process_is_as_bare_as_the_image_says(app: Path, output: IO[str]) -> None:
    with running(app, output, ["python", "-c", TRY_TO_WRITE]) as container:
        assert container.process.wait(scaled(20)) == 0, printed(output)
    settings = "['TIDINGS_HOST', 'TIDINGS_LOG_FORMAT', 'TIDINGS_METRICS_HOST']"
    assert printed(output) == f"10001 10001 [] 1 True True {settings}\n"


def test_the_build_copies_what_the_wheel_is_made_of_and_nothing_else() -> None:
    copied = {word for one in image().build if one.name == "COPY" for word in one.words[:-1]}
    container = {one for one in copied if one.startswith("deploy/container/")}
    assert copied - container == {"pyproject.toml", "README.md", "LICENSE", "core", "server", "worker", "static"}
    assert all((ROOT / one).exists() for one in copied)
    passed = (ROOT / ".dockerignore").read_text().split()
    for one in copied:
        assert any(one == line[1:] or one.startswith(line[1:] + "/") for line in passed if line[0] == "!"), one


def test_the_image_installs_files_with_known_hashes_alone() -> None:
    for one in image().build:
        if one.name == "RUN":
            for command in one.text.split("&&"):
                if "install" in command and "dist/tidings" not in command:
                    assert "--require-hashes --no-deps" in command
    known = (ROOT / "constraints-hashed.txt").read_text().splitlines()
    for name in ("requirements.txt", "requirements-build.txt"):
        lines = (ROOT / "deploy/container" / name).read_text().splitlines()
        assert len(lines) > 10
        assert {release_or_hash(line) for line in lines} <= {release_or_hash(line) for line in known}, name


def release_or_hash(line: str) -> str:
    """Return a line without its marker: the same release has another one where fewer extras want it."""
    return line.removesuffix(" \\").partition(" ; ")[0]


def test_a_dockerfile_is_read_as_an_engine_reads_it() -> None:
    text = 'FROM a AS b\n# no\nRUN x \\\n    && y\nFROM c\nENV A=1 \\\n    B=2:$PATH\nUSER 1:2\nCMD ["x", "y z"]\n'
    found = Image(text)
    assert [tuple(one) for one in found.build] == [("FROM", "a AS b"), ("RUN", "x && y")]
    assert found.environment == {"A": "1", "B": "2"}
    assert found.user == (1, 2)
    assert found.last("CMD").words == ["x", "y z"]
