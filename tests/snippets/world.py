"""The system that a page's reader has before them, and the ways in which a block is run against it."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import yaml
from playwright.sync_api import Browser, Route

from snippets.application import CHECKS, STAND_INS
from snippets.command_server import CommandServer
from snippets.commands import prepare
from snippets.pages import ROOT, Block, blocks
from snippets.table import COUNTS_WORDS, ENVIRONMENT, FILES, INSTEAD, JOBS, PRINTS, RUNS
from support.store import StoreProcess
from support.system import ServerProcess, WorkerProcess
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port
from tidings.settings.settings import from_env
from tidings_server.auth.api_key import new_key, setting_line
from tidings_server.settings import ServerSettings

DEFAULT = "http://127.0.0.1:8700"
SHIM = Path(__file__).with_name("shim.py")
_SOON = {"TIDINGS_GRACE_S": "0", "TIDINGS_HEARTBEAT_S": "0.2"}
"""A worker that leaves at once, and counts the calls of breakers soon."""

HEAD = re.compile(r"# (\w+\.py)( goes on)?\n")


class World:
    """A store, and once they are needed a server and a worker of one page's jobs, in a folder of its own."""

    def __init__(self, page: str, folder: Path, browser: Browser) -> None:
        self.page = page
        self.folder = folder
        self.browser = browser
        self.store = StoreProcess()
        self.key = new_key()
        self._server: ServerProcess | None = None
        self._worker: WorkerProcess | None = None
        self._jobs = JOBS.get(page, "")
        if page in COUNTS_WORDS:
            self._jobs += next(one.text for one in blocks() if one.name == "README.md#1")
        self._commands_path = folder / "commands"
        self._commands: CommandServer | None = None
        self._others: list[subprocess.Popen[bytes]] = []

    def start(self) -> Self:
        """Start the store, and put the commands that a reader has on the path."""
        self.store.start()
        self._commands = CommandServer(self._commands_path)
        for name in ("tidings", "make", "python", "pip"):
            command = self.folder / "bin" / name
            command.parent.mkdir(exist_ok=True)
            command.write_text(f"#!{sys.executable} -S\n{SHIM.read_text()}")  # it needs no package, and begins at once
            command.chmod(command.stat().st_mode | stat.S_IXUSR)
        for name, text in {**STAND_INS, **FILES}.items():
            file = self.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        for block in blocks():
            if block.page == self.page and block.text.startswith("# jobs.py\n"):
                (self.folder / "jobs.py").write_text(block.text)
        return self

    def close(self) -> None:
        """End all."""
        if self._commands is not None:
            self._commands.close()
        for process in (self._worker, self._server):
            if process is not None:
                process.close()
        for other in self._others:
            other.kill()
            other.wait()
        self.store.close()

    @property
    def server(self) -> ServerProcess:
        """The server, with the page's jobs served."""
        if self._server is None:
            if self._jobs and self._worker is None:
                self._work()
            extra = dict(ENVIRONMENT.get(self.page, {}))
            if extra.get("TIDINGS_AUTH") == "api_key":
                extra["TIDINGS_API_KEYS"] = setting_line("reader", self.key, ())
            self._server = ServerProcess(self.store.url, self.key if extra else "", **extra)
            self._server.wait_until_ready(kinds=1 if self._worker is not None else 0)
        return self._server

    def _work(self) -> None:
        """Have a worker serve the page's jobs as they stand by now."""
        if self._worker is not None:
            self._worker.process.terminate()  # it writes what it has counted
            self._worker.wait(scaled(20))
            self._worker.close()
        (self.folder / "jobs.py").write_text(self._jobs)
        self._worker = WorkerProcess(self.store.url, str(self.folder / "jobs.py"), **_SOON)

    def ask(self, path: str, value: Any = None, **headers: str) -> Any:
        """Return the answer of the server, as JSON."""
        body = None if value is None else json.dumps(value).encode()
        if self.server.credential:
            headers["authorization"] = f"Bearer {self.server.credential}"
        request = urllib.request.Request(self.server.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=scaled(70)) as answer:
            return json.load(answer)

    def submit(self, kind: str, value: dict[str, Any]) -> str:
        """Submit a job, once its kind is known, and return its token."""
        until(lambda: kind in {one["kind"] for one in self.ask("/v1/kinds")["kinds"]}, lambda: kind)
        return str(self.ask("/v1/jobs", {"kind": kind, "input": value})["token"])

    def end(self, token: str) -> dict[str, Any]:
        """Return the snapshot of a job that has ended."""
        path, ended = f"/v1/jobs/{token}", ("succeeded", "failed", "cancelled")
        until(lambda: self.ask(path)["status"] in ended, lambda: self.ask(path), seconds=60)
        return dict(self.ask(path))

    # The ways.

    def run(self, block: Block, way: str) -> None:
        """Run a block in its way."""
        text = block.text
        for written, instead in INSTEAD.get(self.page, {}).items():
            text = text.replace(written, instead)
        if self.page.endswith(("mount.md", "fastapi.md")):
            text = text.replace("STORE", self.store.url)
        runners = {
            "jobs": self._serve, "tests": self._tests, "python": self._program, "shell": self._shell,
            "module": self._module,
            "page": self._open, "settings": self._settings, "nginx": self._nginx, "haproxy": self._haproxy,
            "prometheus": self._prometheus, "json": self._json, "store": self._store,
        }  # fmt: skip
        runners[way](block, text)

    def _serve(self, block: Block, text: str) -> None:
        """Serve a file of jobs, or one more part of it, and run some."""
        head = HEAD.match(text)
        assert head is not None, f"{block.name} says the name of its file in a comment"
        self._jobs = (self._jobs if head[2] or self.page in JOBS else "") + "\n\n" + text
        self._work()
        for kind, value, wanted in RUNS[block.name]:
            found = self.end(self.submit(kind, value))
            assert found["status"] == "succeeded", found
            assert found["result"] == wanted

    def _tests(self, block: Block, text: str) -> None:
        """Run tests, with the plugins alone that a reader of the page has."""
        head = HEAD.match(text)
        assert head is not None, f"{block.name} says the name of its file in a comment"
        (self.folder / head[1]).write_text(text)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "anyio",
            "-p",
            "tidings",
            head[1],
        ]
        done = self._process(command, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        assert f"{text.count('def test_')} passed" in done.stdout, done.stdout

    def _program(self, block: Block, text: str) -> None:
        """Run a program from its file; an application is imported, and asked."""
        file = self.folder / f"program{block.number}.py"
        file.write_text(text.replace(DEFAULT, self.server.url))
        (self.folder / "token.jwt").write_text(self.key)
        check = CHECKS.get(block.name)
        if check is not None:
            file.write_text(file.read_text() + check)
        done = self._process([sys.executable, str(file)])
        if block.name in PRINTS:
            assert done.stdout.splitlines()[-1] == PRINTS[block.name]

    def _shell(self, block: Block, text: str) -> None:
        """Run commands, one after the other; the first that fails ends them."""
        command = prepare(self, block, text)
        self._process(["bash", "-euo", "pipefail", "-c", command])

    def _module(self, block: Block, text: str) -> None:
        """Run JavaScript as a module of a page on the server's origin."""
        self._open(block, f'<!doctype html><script type="module">\n{text}</script>')

    def _settings(self, block: Block, text: str) -> None:
        """Have a server read variables."""
        environ = dict(line.split("=", 1) for line in text.splitlines())
        for name in ("TIDINGS_API_KEYS",):
            if name in environ:  # the digests are shortened on the page
                environ[name] = environ[name].replace("2c26b4…", "2c" * 32).replace("fcde2b…", "fc" * 32)
        read = from_env(ServerSettings, environ)
        for name, value in environ.items():
            found = str(getattr(read, name.removeprefix("TIDINGS_").lower())).strip("()',")
            assert found == value or found in value.replace(",", "', '")

    def _nginx(self, block: Block, text: str) -> None:
        """Have nginx read its file."""
        file = self.folder / "nginx.conf"
        logs = f"pid {self.folder}/pid; error_log stderr; events {{}}"
        file.write_text(f"{logs} http {{ access_log off;\n{text}\n}}\n")
        self._process(["/usr/sbin/nginx", "-t", "-p", str(self.folder), "-c", str(file)])

    def _haproxy(self, block: Block, text: str) -> None:
        """Have HAProxy read its file."""
        (self.folder / "haproxy.cfg").write_text(text)
        self._process(["/usr/sbin/haproxy", "-c", "-f", str(self.folder / "haproxy.cfg")])

    def _prometheus(self, block: Block, text: str) -> None:
        """Have Prometheus read its configuration, with the rules where it says."""
        value = yaml.safe_load(text)
        if "rule_files" in value:
            value["rule_files"] = [str(ROOT / "deploy" / "prometheus" / Path(one).name) for one in value["rule_files"]]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(value))
        tool = shutil.which("promtool") or str(Path(sys.executable).with_name("promtool"))
        self._process([tool, "check", "config", str(self.folder / "prometheus.yml")])

    def _json(self, block: Block, text: str) -> None:
        """Read JSON."""
        json.loads(text)

    def _store(self, block: Block, text: str) -> None:
        """Send commands to the store."""
        for line in text.splitlines():
            self.store.tell(line)

    # Means.

    def environment(self) -> dict[str, str]:
        """Return the environment of a reader's terminal."""
        return {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "TIDINGS_STORE_URL": self.store.url,
            "TIDINGS_URL": self.server.url,
            "TIDINGS_CREDENTIAL": self.server.credential,
            "TOKEN": self.key,
            "SNIPPETS_ROOT": str(ROOT),
            "SNIPPETS_COMMANDS": str(self._commands_path),
            "SNIPPETS_PORT": str(free_port()),
        }

    def _process(self, command: list[str], **more: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment(), **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=scaled(60),
        )
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def _report(self, route: Route) -> None:
        """Do what the reader's back end does: submit, and answer token and grant."""
        accepted = self.ask("/v1/jobs", {"kind": "count_words", "input": route.request.post_data_json, "grant": True})
        route.fulfill(json=accepted)

    def _open(self, block: Block, html: str) -> None:
        text = html.replace(DEFAULT, self.server.url)
        if "TOKEN" in text:
            token = self.submit("echo", {"text": "hi"})
            self.end(token)
            text = text.replace("TOKEN", token)
        context = self.browser.new_context(base_url=self.server.url)
        context.set_default_timeout(scaled(30_000))
        try:
            page = context.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.route("**/my/session/token", lambda route: route.fulfill(body=self.key))
            page.route("**/reports", self._report)
            page.goto("/healthz")  # a page of the server's that forbids no script
            with page.expect_console_message(lambda message: message.text == PRINTS[block.name]):
                page.set_content(text)
            assert errors == []
        finally:
            context.close()
