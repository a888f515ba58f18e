"""A command of the reader's terminal: the real one, but for what would run for ever, for hours, or install something.

`tidings dev`, `serve` and `work` are asked to stop when they are ready; `tidings bench` measures for 0.2 s,
`tidings top` draws one screen. `make` says what it would do. Of `python -m bench` the module and the flags have to
exist, of `pip install` the extras.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(os.environ["SNIPPETS_ROOT"])
READY = {"dev": "Ctrl-C stops everything", "serve": "inbox_open", "work": " serving "}


class Command:
    """A command of Tidings that the tests start (command_server.py): it gets the signals that this process gets."""

    def __init__(self, arguments: list[str], environment: dict[str, str], stdout: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(os.environ["SNIPPETS_COMMANDS"])
        request = {"arguments": arguments, "environment": environment, "folder": str(Path.cwd())}
        socket.send_fds(self._socket, [json.dumps(request).encode()], [0, stdout, 2 if stdout == 1 else stdout])
        self._pid = int(self._socket.recv(64))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(self._pid, number))

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does."""
        os.kill(self._pid, signal.SIGINT)

    def wait(self) -> int:
        """Return its exit code."""
        return int(self._socket.recv(64))


def tidings(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name in READY:
        return until_ready(arguments, READY[name])
    if name == "bench":
        arguments = [*arguments, "--seconds", "0.2", "--warm-up", "0.05"]
    if name == "top" and not {"--once", "--json"} & set(arguments):
        arguments = [*arguments, "--once"]
    return Command(arguments, dict(os.environ), stdout=1).wait()


def until_ready(arguments: list[str], says: str) -> int:
    environment = {**os.environ, "TIDINGS_DRAIN_S": "0", "TIDINGS_GRACE_S": "0"}
    if arguments[0] == "dev":
        environment.pop("TIDINGS_STORE_URL")
    if not any(one.startswith("--port") for one in arguments):
        environment["TIDINGS_PORT"] = os.environ["SNIPPETS_PORT"]
    reader, writer = os.pipe()
    command = Command(arguments, environment, stdout=writer)
    os.close(writer)
    with os.fdopen(reader) as output:
        for line in output:
            sys.stdout.write(line)
            if says in line:
                command.interrupt()
    return command.wait()


def make(arguments: list[str]) -> int:
    return subprocess.run(["/usr/bin/make", "-C", str(ROOT), "--dry-run", *arguments], check=False).returncode


def python(arguments: list[str]) -> int:
    if arguments[:1] != ["-m"] or not arguments[1].startswith("bench"):
        return subprocess.run([sys.executable, *arguments], check=False).returncode
    flags = [flag for flag in arguments[2:] if flag.startswith("--")]
    if not flags:  # some measurements take none, not even --help
        return int(not (ROOT / arguments[1].replace(".", "/") / "__main__.py").is_file())
    helped = subprocess.run(
        [sys.executable, "-m", arguments[1], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return int(any(flag not in helped for flag in flags))


def pip(arguments: list[str]) -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    known = set(project["project"]["optional-dependencies"])
    asked = re.findall(r"tidings\[([\w,]+)\]", " ".join(arguments))
    return int(not set(",".join(asked).split(",")) <= known | {""})


COMMANDS = {"tidings": tidings, "make": make, "python": python, "pip": pip}

if __name__ == "__main__":
    raise SystemExit(COMMANDS[Path(sys.argv[0]).name](sys.argv[1:]))
