"""A sampling profile of running processes, by py-spy."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

PY_SPY = Path(sys.executable).with_name("py-spy")
RATE = 250
"""Samples a second; each holds the process up for a moment."""

FINISH_S = 60.0
"""How long writing a profile may take."""


class Profile:
    """Profiles processes; the samples of each are in `found`, by name, when they have ended."""

    def __init__(self, processes: Mapping[str, psutil.Process], seconds: float, folder: Path) -> None:
        """Prepare.

        Args:
            processes: which, by name.
            seconds: how long.
            folder: where files may be left.

        """
        self.found: dict[str, str] = {}
        self._processes = processes
        self._seconds = max(1, int(seconds))
        self._folder = folder
        self.native = all(_shows_native(process) for process in processes.values())
        """Whether it shows what is not Python: the garbage collector, the event loop, system calls."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Profile from now on, and leave when it is done.

        Raises:
            RuntimeError: it could not be.

        """
        children = {name: self._start(name, process) for name, process in self._processes.items()}
        yield
        for name, child in children.items():
            said, _ = child.communicate(timeout=FINISH_S)
            if child.returncode:
                raise RuntimeError(f"no profile of the {name}: {said.strip()}")
            self.found[name] = self._file(name).read_text()

    def _start(self, name: str, process: psutil.Process) -> subprocess.Popen[str]:
        command = [str(PY_SPY), "record", "--pid", str(process.pid), "--format", "raw", "--full-filenames"]
        command += ["--rate", str(RATE), "--duration", str(self._seconds), "--output", str(self._file(name))]
        command += ["--native"] if self.native else []
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.raw"


def _shows_native(process: psutil.Process) -> bool:
    command = [str(PY_SPY), "dump", "--native", "--pid", str(process.pid)]
    return subprocess.run(command, capture_output=True, check=False, timeout=FINISH_S).returncode == 0
