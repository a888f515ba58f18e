"""Users' modules: each file is served as what it is, whatever else has its name; or it is refused by its path."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

JOB = "from tidings import job\n\n\n@job\nasync def {}() -> str:\n    return {!r}\n"

SHOW = """
import gc, os, sys
from tidings_worker.loading.loader import LoadError, load_jobs

def show(folder, output, *modules):
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(folder)
    try:
        jobs = load_jobs(modules)
        import random, email.message, types
        random.random(), email.message.Message, types.ModuleType
        import asyncio
        print(*sorted(f"{job.kind}={asyncio.run(job())}" for job in jobs))
    except LoadError as error:
        print(error)

def fork(line):
    if os.fork():
        os.wait()
        return
    try:
        show(*line.removesuffix("\\n").split("\\0"))
    except BaseException as error:
        print(repr(error))
    sys.stdout.flush()
    os._exit(0)

gc.freeze()
for line in sys.stdin:
    fork(line)
    print(flush=True)
"""
"""An interpreter that has imported the loader, and nothing else, forks a child for each line: it loads modules."""

Load = Callable[..., str]
"""Loads modules as a worker does that was started in a folder; returns what it says."""


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    output = tmp_path_factory.mktemp("loader") / "output"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", SHOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as interpreter:
        assert interpreter.stdin is not None
        assert interpreter.stdout is not None
        asks, answers = interpreter.stdin, interpreter.stdout

        def load(folder: Path, *modules: str) -> str:
            asks.write("\0".join([str(folder), str(output), *modules]) + "\n")
            asks.flush()
            assert answers.readline() == "\n"
            return output.read_text().strip()

        yield load
        asks.close()


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_two_files_of_one_name_are_both_served(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "a", jobs=JOB.format("one", "a"))
    write(tmp_path / "b", jobs=JOB.format("two", "b"))
    assert load(tmp_path, "a/jobs.py", "b/jobs.py") == "one=a two=b"


def test_one_file_given_twice_is_one(load: Load, tmp_path: Path) -> None:
    write(tmp_path, jobs=JOB.format("one", "a"))
    (tmp_path / "link.py").symlink_to(tmp_path / "jobs.py")
    assert load(tmp_path, "jobs.py", "./jobs.py", str(tmp_path / "jobs.py"), "jobs", "link.py") == "one=a"


@pytest.mark.parametrize("name", ["random", "email", "types", "queue", "asyncio", "json", "redis", "anyio", "tidings"])
@pytest.mark.parametrize("where", [".", "sub"])
def test_a_file_named_like_another_module_is_served_and_shadows_nothing(
    load: Load, tmp_path: Path, name: str, where: str
) -> None:
    write(tmp_path / where, **{name: JOB.format("one", "mine")})
    assert load(tmp_path, f"{where}/{name}.py") == "one=mine"


def test_a_name_of_the_standard_library_means_the_file_only_with_its_ending(load: Load, tmp_path: Path) -> None:
    write(tmp_path, random=JOB.format("one", "a"))
    assert load(tmp_path, "random") == ("random is a module of Python's standard library; write random.py for the file")


def test_two_kinds_of_one_name_are_refused_with_both_places(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "a", jobs=JOB.format("one", "a"))
    write(tmp_path / "b", jobs=JOB.format("one", "b"))
    said = load(tmp_path, "a/jobs.py", "b/jobs.py")
    assert "the kind 'one' is defined twice" in said
    assert f"{tmp_path}/a/jobs.py:4" in said
    assert f"{tmp_path}/b/jobs.py:4" in said


def test_what_one_file_imports_of_another_is_one_kind(load: Load, tmp_path: Path) -> None:
    write(tmp_path, first=JOB.format("one", "a"), second="from first import one\n")
    assert load(tmp_path, "second.py", "first.py") == "one=a"


USES = "import helpers\nfrom tidings import job\n\n\n@job\nasync def {}() -> str:\n    return helpers.NAME\n"
USES_LATE = "from tidings import job\n\n\n@job\nasync def {}() -> str:\n    import helpers\n    return helpers.NAME\n"


@pytest.mark.parametrize("text", [USES, USES_LATE])
def test_helpers_of_one_name_in_two_folders_are_refused_with_both_files(load: Load, tmp_path: Path, text: str) -> None:
    write(tmp_path / "a", jobs=text.format("one"), helpers="NAME = 'a'\n")
    write(tmp_path / "b", jobs=text.format("two"), helpers="NAME = 'b'\n")
    said = load(tmp_path, "a/jobs.py", "b/jobs.py")
    assert f"{tmp_path}/a/helpers.py" in said
    assert f"{tmp_path}/b/helpers.py" in said
    assert "Rename one of the two" in said


@pytest.mark.parametrize("text", [USES, USES_LATE])
def test_a_helper_that_is_not_imported_stands_in_no_module_s_way(load: Load, tmp_path: Path, text: str) -> None:
    write(tmp_path / "a", jobs=text.format("one"), helpers="NAME = 'a'\n")
    write(tmp_path / "b", jobs=JOB.format("two", "b"), helpers="NAME = 'b'\n")
    assert load(tmp_path, "a/jobs.py", "b/jobs.py") == "one=a two=b"
    assert load(tmp_path, "b/jobs.py", "a/jobs.py") == "one=a two=b"


def test_files_of_packages_import_each_other_relatively(load: Load, tmp_path: Path) -> None:
    relative = "from .helpers import NAME\nfrom tidings import job\n\n\n@job\nasync def {}() -> str:\n    return NAME\n"
    for package, kind in (("first", "one"), ("second", "two")):
        write(tmp_path / package, __init__="", jobs=relative.format(kind), helpers=f"NAME = {package!r}\n")
    assert load(tmp_path, "first/jobs.py", "second/jobs.py") == "one=first two=second"
    assert load(tmp_path, "first.jobs", "second/jobs.py", "first/jobs.py") == "one=first two=second"
    assert load(tmp_path / "first", "jobs.py", "../second/jobs.py") == "one=first two=second"


def test_two_packages_of_one_name_are_refused_with_both_files(load: Load, tmp_path: Path) -> None:
    for folder in ("x", "y"):
        write(tmp_path / folder / "app", __init__="", jobs=JOB.format(folder, folder))
    said = load(tmp_path, "x/app/jobs.py", "y/app/jobs.py")
    assert f"{tmp_path}/x/app/jobs.py" in said
    assert f"{tmp_path}/y/app/jobs.py" in said


def test_a_package_named_like_the_standard_librarys_is_refused(load: Load, tmp_path: Path) -> None:
    write(tmp_path / "email", __init__="", jobs=JOB.format("one", "a"))
    assert "rename the folder" in load(tmp_path, "email/jobs.py")


def test_a_file_with_a_name_that_is_none_in_python_is_served(load: Load, tmp_path: Path) -> None:
    write(tmp_path, **{"my-jobs": JOB.format("one", "a"), "v1.2": JOB.format("two", "b")})
    assert load(tmp_path, "my-jobs.py", "v1.2.py") == "one=a two=b"


def test_a_mistake_in_a_definition_is_shown_at_the_users_line_alone(load: Load, tmp_path: Path) -> None:
    for options, says in (
        ("retries=-1", "retries is -1; it must be 0 to 1000"),
        ("cron='every day'", "a cron line has five"),
        ("unique='{no}'", "'{no}' names 'no'"),
        ("wrong=1", "there is no option 'wrong'"),
    ):
        write(tmp_path, jobs=f"from tidings import job\n\n\n@job({options})\nasync def f() -> None: ...\n")
        (said,) = load(tmp_path, "jobs.py").splitlines()
        assert said.startswith(f"{tmp_path}/jobs.py:4: job f: ")
        assert says in said


def test_what_a_users_own_code_raises_keeps_its_frames(load: Load, tmp_path: Path) -> None:
    write(tmp_path, jobs="import json\njson.loads('{')\n")
    said = load(tmp_path, "jobs.py")
    assert f'File "{tmp_path}/jobs.py", line 2' in said
    assert "json/decoder.py" in said
