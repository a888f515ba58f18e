"""The command line of Tidings, as tests start it.

Most commands are forked from a warm interpreter (forked_process.py). With TIDINGS_TEST_FRESH_INTERPRETERS=1 each gets a
new interpreter; tests of what happens before a command begins always start one themselves.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from support.forking.forked_process import ForkedProcess, can_be_forked
from support.timeouts import scaled

FRESH_VARIABLE = "TIDINGS_TEST_FRESH_INTERPRETERS"

LONGEST_S = 60
"""Within which a command that is waited for must end, s, scaled."""

RunningCommand = ForkedProcess | subprocess.Popen[str]


def start_tidings(
    *arguments: str,
    environment: Mapping[str, str],
    stdout: IO[Any],
    stderr: IO[Any],
    folder: Path | None = None,
    stdin: IO[Any] | None = None,
) -> RunningCommand:
    """Start a command.

    Args:
        arguments: those of `tidings`.
        environment: the whole environment.
        stdout: the open file that it prints to.
        stderr: the same for its errors.
        folder: its working directory; None: that of the tests.
        stdin: the open file that it reads; None: it reads nothing.

    """
    with Path(os.devnull).open() as nothing:
        stdin = stdin or nothing
        if os.environ.get(FRESH_VARIABLE) or not can_be_forked(environment):
            return subprocess.Popen(
                [sys.executable, "-m", "tidings", *arguments],
                env=environment, stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, text=True,
            )  # fmt: skip
        return ForkedProcess(arguments, environment, stdin, stdout, stderr, folder)


def run_tidings(*arguments: str, folder: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end; return its exit code and what it has printed.

    Args:
        arguments: those of `tidings`.
        folder: its working directory; empty: that of the tests.
        environment: variables beside those of the tests.

    """
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        process = start_tidings(
            *arguments,
            environment={**os.environ, **environment},
            stdout=stdout,
            stderr=stderr,
            folder=Path(folder) if folder else None,
        )
        try:
            code = process.wait(scaled(LONGEST_S))
        finally:
            process.kill()
            process.wait()
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read())
    return subprocess.CompletedProcess(["tidings", *arguments], code, *texts)
