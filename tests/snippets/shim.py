"""A command of the reader's terminal: the real one, but for what would run for ever, for hours, or install something.

`tidings dev`, `serve` and `work` are asked to stop when they are ready; `tidings bench` measures for half a second,
`tidings top` draws one screen. `make` says what it would do. Of `python -m bench` the module and the flags have to
exist, of `pip install` the extras.
"""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(os.environ["SNIPPETS_ROOT"])
READY = {"dev": "Ctrl-C stops everything", "serve": "inbox_open", "work": " serving "}


def tidings(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "tidings", *arguments]
    name = arguments[0] if arguments else ""
    if name in READY:
        return until_ready(command, READY[name])
    if name == "bench":
        command += ["--seconds", "0.5", "--warm-up", "0.1"]
    if name == "top" and not {"--once", "--json"} & set(arguments):
        command.append("--once")
    return subprocess.run(command, check=False).returncode


def until_ready(command: list[str], says: str) -> int:
    environment = {**os.environ, "TIDINGS_DRAIN_S": "0", "TIDINGS_GRACE_S": "0"}
    if command[3] == "dev":
        environment.pop("TIDINGS_STORE_URL")
    if not any(one.startswith("--port") for one in command):
        environment["TIDINGS_PORT"] = os.environ["SNIPPETS_PORT"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            if says in line:
                process.send_signal(signal.SIGINT)
        return process.wait()


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
