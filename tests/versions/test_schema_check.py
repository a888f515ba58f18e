"""A change that breaks what is queued, or clients, is found before it is deployed: by commands, and by workers."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.waiting import until

system = system_fixture(workers=0, scope="function")

HEAD = "from tidings import job\n\n\n"
OLD = HEAD + "@job\nasync def order(amount: int) -> dict[str, int]:\n    return {}\n"
WIDER = HEAD + "@job\nasync def order(amount: int, note: str = '') -> dict[str, int]:\n    return {}\n"
BROKEN = HEAD + "@job\nasync def order(amount: int, currency: str) -> dict[str, int]:\n    return {}\n"
RAISED = BROKEN.replace("@job", "@job(version=2, upcast={1: lambda old: {**old, 'currency': 'EUR'}})")
OTHER = HEAD + "@job\nasync def other() -> None: ...\n"


def write(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.py"
    path.write_text(text)
    return str(path)


def run(*arguments: str) -> tuple[int, Any]:
    """Return the exit code of a command, and its JSON."""
    done = run_tidings("schema", *arguments, "--json")
    return done.returncode, msgspec.json.decode(done.stdout) if done.stdout.strip() else done.stderr


def found(changes: Any) -> list[tuple[str, str, str, str]]:
    return [(one["kind"], one["rule"], one["level"], one["pointer"]) for one in changes]


REQUIRED = ("order", "input_field_required", "breaking", "/currency")


def test_a_change_is_judged_against_a_file_a_revision_and_a_module(tmp_path: Path) -> None:
    old, broken, raised = (write(tmp_path, name, text) for name, text in (("a", OLD), ("b", BROKEN), ("c", RAISED)))
    file = str(tmp_path / "kinds.json")
    assert run_tidings("schema", "export", old, "--output", file).returncode == 0
    assert run_tidings("schema", "export", old).stdout == Path(file).read_text()
    for command in (("init", "-q"), ("add", "."), ("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    code, changes = run("check", broken, "--against", file)
    assert (code, found(changes)) == (1, [REQUIRED])
    assert changes[0]["breaks"] == ["queued inputs", "clients"]
    assert "upcast" in changes[0]["advice"]
    assert run("check", broken, "--against", old)[0] == 1
    code, changes = run("check", raised, "--against", file)
    assert (code, found(changes)) == (0, [("order", "input_field_required", "allowed", "/currency")])
    assert run("check", write(tmp_path, "d", WIDER), "--against", file) == (0, [])
    assert run("diff", file, broken)[0] == 1
    code, changes = run("check", write(tmp_path, "e", OTHER), "--against", file, "--whole")
    assert (code, found(changes)) == (1, [("order", "kind_gone", "breaking", "")])
    assert run("check", str(tmp_path / "e.py"), "--against", file) == (0, [])
    done = subprocess.run(
        [_tidings(), "schema", "check", broken, "--against", "git:HEAD:kinds.json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "input_field_required" in done.stdout


def _tidings() -> str:
    import sys  # noqa: PLC0415

    return str(Path(sys.executable).with_name("tidings"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("gone.json", "gone.json: No such file or directory"),
        ("bad.json", "bad.json: it is not what `tidings schema export` writes"),
        ("newer.json", "newer.json: its format is 9; this release reads 1"),
        ("wrong.json", "wrong.json: the kind k: version is -1; it must be 0 to"),
        ("git:HEAD", "git:HEAD names no file of a revision; write git:REVISION:FILE.json"),
        ("git:--help:x.json", "names no file of a revision"),
        ("git:no-such-revision:x.json", "git:no-such-revision:x.json: fatal:"),
        ("nothing_of_this_name", "there is no module 'nothing_of_this_name' here"),
    ],
)
def test_a_source_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("{}")
    Path("newer.json").write_text('{"format": 9, "kinds": []}')
    Path("wrong.json").write_text('{"kinds": [{"kind": "k", "version": -1, "input": {}, "result": null}]}')
    source = str(tmp_path / source) if source.endswith(".json") and ":" not in source else source
    done = run_tidings("schema", "check", write(tmp_path, "a", OLD), "--against", source)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_a_worker_whose_kinds_break_something_does_not_start_unless_it_may(system: System, tmp_path: Path) -> None:
    old, broken = write(tmp_path, "a", OLD), write(tmp_path, "b", BROKEN)
    store = ("--store-url", system.store.url)
    first = system.add_worker(old)
    system.server.wait_until_ready(kinds=1)
    assert found(run("check", broken, *store)[1]) == [REQUIRED]
    refused = system.add_worker(broken)
    assert refused.wait() == 1
    assert "order: an input must have a field that it need not have had at /currency" in refused.text()
    assert "raise the version of the kind, or set TIDINGS_SCHEMA_CHECK=warn" in refused.text()
    assert _required(system) == ["amount"], "the record that stands is that of the worker that serves"
    warned = system.add_worker(broken, TIDINGS_SCHEMA_CHECK="warn")
    _until_required(system, ["amount", "currency"])
    assert "schema_breaks" in warned.text()
    # The deploy is taken back, and then made once more: what has stood before may stand again.
    again = system.add_worker(old)
    _until_required(system, ["amount"])
    system.add_worker(broken)
    _until_required(system, ["amount", "currency"])
    for worker in (first, again):
        worker.signal(signal.SIGTERM)
    code, changes = run("diff", "store", broken, *store)
    assert (code, changes) == (0, [])
    assert run("diff", old, *store)[0] == 1


def test_a_raised_version_starts_at_once_and_off_looks_at_nothing(system: System, tmp_path: Path) -> None:
    system.add_worker(write(tmp_path, "a", OLD))
    system.server.wait_until_ready(kinds=1)
    system.add_worker(write(tmp_path, "c", RAISED))
    _until_required(system, ["amount", "currency"])
    quiet = system.add_worker(
        write(tmp_path, "d", RAISED.replace("amount: int", "amount: bool")), TIDINGS_SCHEMA_CHECK="off"
    )
    system.server.wait_until_ready(kinds=1)
    until(lambda: "serving" in quiet.text())
    assert "schema_breaks" not in quiet.text()


def _required(system: System) -> list[str]:
    (kind,) = system.server.get("/v1/kinds")[1]["kinds"]
    schema = kind["input"]
    name = schema["$ref"].rpartition("/")[2] if "$ref" in schema else ""
    return list((schema["$defs"][name] if name else schema)["required"])


def _until_required(system: System, names: list[str]) -> None:
    until(lambda: _required(system) == names)
