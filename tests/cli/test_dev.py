"""`tidings dev` and the client's commands, as a user types them."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from support.dev import Dev
from support.timeouts import scaled

JOBS = """
import anyio
from tidings import Context, Reject, job

@job
async def greet(ctx: Context, name: str, times: int = 1) -> list[str]:
    await ctx.progress(0.5, message="half")
    await ctx.log("a line of log")
    return [f"hello {name}"] * times

@job
async def refuse() -> None:
    raise Reject("not today")

@job
async def sleep() -> None:
    await anyio.sleep(60)
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("dev")
    (folder / "jobs.py").write_text(JOBS)
    dev = Dev(folder, "jobs.py")
    try:
        dev.wait_for(lambda: set(dev.kinds()) >= {"greet", "refuse", "sleep"})
        yield dev
    finally:
        dev.close()


def test_it_prints_the_page_s_address(dev: Dev) -> None:
    dev.wait_for(lambda: dev.url in dev.output.read_text())


def test_submit_prints_the_token_and_watch_the_result(dev: Dev) -> None:
    token = dev.command("submit", "greet", "name=a").stdout.strip()
    assert re.fullmatch(r"default\.[\w-]{22}", token)
    watched = dev.command("watch", token)
    assert (watched.returncode, json.loads(watched.stdout)) == (0, ["hello a"])


def test_follow_shows_log_and_result(dev: Dev) -> None:
    done = dev.command("submit", "greet", "name=b", "times=2", "--follow")
    assert (done.returncode, json.loads(done.stdout)) == (0, ["hello b", "hello b"])
    assert "a line of log" in done.stderr


def test_input_comes_as_json_too(dev: Dev) -> None:
    (dev.folder / "input.json").write_text('{"name": "c"}')
    for json_ in ('{"name": "c"}', "@input.json"):
        done = dev.command("submit", "greet", "--json", json_, "--follow")
        assert json.loads(done.stdout) == ["hello c"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["submit", "greet"], "the field name is missing (at /input/name)"),
        (["submit", "greet", "name=a", "times=x"], "(at /input/times)"),
        (["submit", "greeet"], "did you mean 'greet'?"),
        (["submit", "greet", "name=a", "--at", "soon"], "--at soon: not a moment"),
        (["submit", "greet", "name=a", "--at", "2040-01-01", "--delay", "1"], "give `at` or `delay`, not both"),
        (["submit", "greet", "name"], "'name' is not of the form field=value"),
        (["submit", "greet", "--json", "["], "--json takes a JSON object"),
        (["submit", "greet", "--json", "@none.json"], "No such file"),
        (["watch", "nonsense"], "there is no job 'nonsense'"),
        (["cancel", "default." + "a" * 22], "there is no job"),
        (["submit", "greet", "name=a", "--url", "http://127.0.0.1:1"], "no answer from http://127.0.0.1:1"),
        (["submit", "greet", "name=a", "--url", "nonsense"], "is not a server's address"),
        (["serve", "--port", "70000"], "TIDINGS_PORT"),
        (["work"], "name a module with jobs"),
        (["work", "none.py"], "there is no file none.py"),
        (["work", "nonemodule"], "there is no module 'nonemodule'"),
        (["status", "--store-url", "redis://:secret@127.0.0.1:1"], "no store answers at redis://***@127.0.0.1:1"),
        (["serve", "--store-url", "redis://127.0.0.1:1"], "no store answers at redis://127.0.0.1:1"),
        (["serve", "--store-url", "embedded:elsewhere"], "no store runs in elsewhere"),
        (["dev", "jobs.py"], "a store runs on"),
    ],
)
def test_a_mistake_gets_one_clear_line_and_no_traceback(dev: Dev, arguments: list[str], says: str) -> None:
    done = dev.command(*arguments)
    assert done.returncode == (2 if "TIDINGS_PORT" in says else 3 if "store" in says else 1)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("tidings: ")
    assert says in lines[0]
    assert done.stdout == ""


def test_a_job_that_fails_or_is_cancelled_exits_with_1(dev: Dev) -> None:
    done = dev.command("submit", "refuse", "--follow")
    assert done.returncode == 1
    assert "not today" in done.stderr
    token = dev.command("submit", "sleep").stdout.strip()
    assert dev.command("cancel", token).returncode == 0
    assert dev.command("watch", token).returncode == 1


def test_status_shows_what_is_served(dev: Dev) -> None:
    done = dev.command("status")
    assert done.returncode == 0, done.stderr
    assert "greet" in done.stdout
    census = json.loads(dev.command("status", "--json").stdout)
    assert [worker["kinds"] for worker in census["workers"]] == [["greet", "refuse", "sleep"]]


def test_a_change_of_the_code_reaches_the_worker(dev: Dev) -> None:
    (dev.folder / "jobs.py").write_text(JOBS + "\n@job\nasync def fresh() -> int:\n    return 7\n")
    dev.wait_for(lambda: "fresh" in dev.kinds())
    assert dev.command("submit", "fresh", "--follow").stdout.strip() == "7"


def test_a_port_in_use_is_said(dev: Dev, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tidings", "dev", "--port", str(dev.port)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(60),
    )
    assert done.returncode == 1
    assert f"port {dev.port} of 127.0.0.1 is in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    dev = Dev(tmp_path, "jobs.py")
    try:
        dev.wait_for(lambda: "sleep" in dev.kinds())
        token = dev.command("submit", "sleep").stdout.strip()
        assert dev.stop(number) == 0, dev.output.read_text()
        assert "Traceback" not in dev.output.read_text()
        assert not (tmp_path / ".tidings/store.url").exists()
    finally:
        dev.close()
    again = Dev(tmp_path, "jobs.py")  # on the same data: what was acked is still there
    try:
        again.wait_for(lambda: "sleep" in again.kinds())
        assert again.command("cancel", token).returncode == 0
    finally:
        again.close()


def test_a_job_for_a_moment_is_scheduled(dev: Dev) -> None:
    tomorrow = (datetime.now() + timedelta(days=1)).isoformat(timespec="seconds")  # noqa: DTZ005 - the wall's clock
    token = dev.command("submit", "greet", "name=a", "--at", tomorrow).stdout.strip()
    with urllib.request.urlopen(f"{dev.url}/v1/jobs/{token}", timeout=scaled(5)) as answer:
        assert json.load(answer)["status"] == "scheduled"
    assert dev.command("cancel", token).returncode == 0


def test_a_kill_leaves_nothing_running_either(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    dev = Dev(tmp_path, "jobs.py")
    try:
        dev.wait_for(lambda: "sleep" in dev.kinds())
        children = psutil.Process(dev.process.pid).children(recursive=True)
        assert len(children) == 3  # store, server, worker
    finally:
        dev.close()
    _, left = psutil.wait_procs(children, timeout=scaled(20))
    assert left == []
