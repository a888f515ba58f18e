"""Applications of other frameworks as processes: they answer on a port of their own."""

import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port


class SiteProcess:
    """One application; its output goes to a file that is shown on failure."""

    def __init__(self, folder: Path, *command: str, port: int = 0, **environment: str) -> None:
        """Start it.

        Args:
            folder: where it runs.
            command: of Python, behind `python -m`; PORT stands for the port.
            port: where it answers; 0: a free one.
            environment: its settings.

        """
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = tempfile.NamedTemporaryFile("w+", prefix="site-", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", *(one.replace("PORT", str(self.port)) for one in command)],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def text(self) -> str:
        """Return what it printed so far."""
        return Path(self._output.name).read_text()

    def wait_until_ready(self, path: str = "/") -> None:
        """Return when it answers a page, whatever that is."""
        until(lambda: self._answers(path), self.text, process=self.process)

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=scaled(5)):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False

    def close(self) -> None:
        """End it. If it does not leave in time, what it has forked ends too: nothing else would end that."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(scaled(10))
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._output.close()
