"""The README, word for word: its example runs, its commands work, its links lead somewhere."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.timeouts import scaled
from support.waiting import until
from support.web.chromium import running_browser
from tidings.process.port import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DEFAULT = "http://127.0.0.1:8700"


def block(language: str, beginning: str) -> str:
    """Return the code block of a language that begins so."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        if found[1] == language and found[2].startswith(beginning):
            return found[2]
    raise AssertionError(f"the README has no {language} block that begins with {beginning}")


def kinds(url: str) -> set[str]:
    try:
        with urllib.request.urlopen(url + "/v1/kinds", timeout=scaled(5)) as answer:
            return {kind["kind"] for kind in json.load(answer)["kinds"]}
    except OSError:
        return set()


def wait_for(process: "subprocess.Popen[bytes]", url: str, wanted: set[str]) -> None:
    until(lambda: kinds(url) >= wanted, seconds=60, process=process)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Somebody's own web site: its folder and its origin."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"], cwd=folder) as site:
        yield folder, f"http://127.0.0.1:{port}"
        site.terminate()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, site: tuple[Path, str]) -> Iterator[str]:
    """The README's `tidings dev jobs.py`, on a port of our own."""
    assert "TIDINGS_ALLOWED_ORIGINS" in README
    folder = tmp_path_factory.mktemp("readme")
    (folder / "jobs.py").write_text(block("python", "# jobs.py"))
    assert "`tidings dev jobs.py`" in README
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "tidings", "dev", "jobs.py", "--port", str(port)],
        cwd=folder,
        env={**os.environ, "TIDINGS_ALLOWED_ORIGINS": site[1]},
    ) as process:
        try:
            wait_for(process, f"http://127.0.0.1:{port}", {"count_words"})
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)


def test_the_command_of_the_terminal(url: str) -> None:
    command = shlex.split(block("", "tidings submit"))
    done = subprocess.run(
        [sys.executable, "-m", "tidings", *command[1:], "--url", url], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {"words": 6}


def test_the_client_in_python(url: str, tmp_path: Path) -> None:
    file = tmp_path / "client.py"
    file.write_text(block("python", "import asyncio").replace(DEFAULT, url))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True, timeout=scaled(60))
    assert done.stdout.endswith("{'words': 6}\n")


def test_the_snippet_for_a_page(url: str, site: tuple[Path, str]) -> None:
    folder, origin = site
    (folder / "page.html").write_text(block("html", "<script").replace(DEFAULT, url))
    with running_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(scaled(30_000))
        with page.expect_console_message(lambda message: "words" in message.text, timeout=scaled(20_000)) as message:
            page.goto(origin + "/page.html")
        assert message.value.args[0].json_value() == {"words": 6}


def test_the_curl_line(url: str) -> None:
    command = shlex.split(block("", "curl").replace(DEFAULT, url))
    done = subprocess.run([*command, "--silent"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["result"] == {"words": 2}


def test_make_demo_serves_the_three_kinds_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    assert "make demo" in README
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "TIDINGS_PORT": str(port), "TIDINGS_DIR": str(tmp_path), "TIDINGS_URL": url}
    printed = tmp_path / "printed.txt"
    with (
        printed.open("w") as output,
        subprocess.Popen(
            ["make", "demo"], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        try:
            wait_for(process, url, {"flight_delays", "thumbnails", "index_text"})
            subprocess.run(
                [sys.executable, "-m", "tidings", "submit", "flight_delays", "carrier=UA", "--follow"],
                env=environment, capture_output=True, check=True, timeout=scaled(60),
            )  # fmt: skip
            before = len(printed.read_text().splitlines())
            os.killpg(process.pid, signal.SIGINT)
            process.wait(scaled(20))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert kinds(url) == set()
    last = printed.read_text().splitlines()[before:]
    assert len(last) < 10, last
    assert not any("leaked" in line or "Traceback" in line for line in last)
    assert any(" left " in line for line in last), "the worker has said its last line"


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")])
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text())  # a pattern may look like a link
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
