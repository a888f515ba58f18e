"""A running `tidings dev`, as a user starts it."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

from support.tidings_command import run_tidings, start_tidings
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port


class Dev:
    """A running `tidings dev`, and what it prints."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = folder / "output.txt"
        self._file = self.output.open("w")
        self.process = start_tidings(
            "dev", *arguments, "--port", str(self.port),
            environment={**os.environ, **environment}, stdout=self._file, stderr=self._file, folder=folder,
        )  # fmt: skip

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Return when something is the case."""
        until(done, self.output.read_text, process=self.process)

    def kinds(self) -> list[str]:
        """Return the kinds the server knows."""
        try:
            with urllib.request.urlopen(self.url + "/v1/kinds", timeout=scaled(5)) as answer:
                return [kind["kind"] for kind in json.load(answer)["kinds"]]
        except OSError:
            return []

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a client's command against it."""
        return run_tidings(*arguments, folder=str(self.folder), TIDINGS_URL=self.url)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send it a signal and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(scaled(20))

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(scaled(10))
        self._file.close()
