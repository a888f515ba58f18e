"""A `tidings` command as a child process; each line of its output is printed behind its name."""

import os
import signal
import subprocess
import threading
from typing import IO

from rich.text import Text

from tidings.logging.printable import printable
from tidings.process.parent_death import PARENT_VARIABLE
from tidings_cli.command_errors import ERROR_PREFIX, EXIT_MISTAKE, EXIT_SETTING
from tidings_cli.processes.process_group import tidings_command
from tidings_cli.terminal import error_console


class DevProcess:
    """One child; it can be started again after it has ended."""

    def __init__(self, name: str, colour: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self._colour = colour
        self._command = tidings_command(*arguments)
        self._environment = {**environment, PARENT_VARIABLE: str(os.getpid())}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._console = error_console()
        self._reported = False
        """Whether `ended_by_itself` has returned its exit code."""
        self._asked = False
        """Whether it was asked to stop."""
        self._mistake = False

    def start(self) -> None:
        """Start it, in a process group of its own: the parent, not the terminal's Ctrl-C, stops it."""
        self._reported = self._asked = False
        self._mistake = False
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=self._show, args=(self._process.stdout,), name=f"{self.name} output", daemon=True
        )
        self._reader.start()

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        return self._process.poll() if self._process is not None else None

    @property
    def pid(self) -> int | None:
        """Its process id, if it has been started."""
        return self._process.pid if self._process is not None else None

    def ended_by_itself(self) -> int | None:
        """Return the exit code of a child that ended unasked, once; else None."""
        if self._process is None or self._reported or self._asked:
            return None
        code = self._process.poll()
        if code is not None:
            self._reported = True
            if self._reader is not None:
                self._reader.join(1)  # its output is printed before the line about its end
        return code

    def failed_by_user_mistake(self) -> bool:
        """Return whether a mistake of the user's ended it: another start would end the same way."""
        return self._mistake and self.poll() in (EXIT_MISTAKE, EXIT_SETTING)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """Send it SIGTERM."""
        if self._process is not None and self._process.poll() is None and not self._asked:
            self._asked = True
            self._process.send_signal(signal.SIGTERM)

    def stop(self, timeout: float) -> None:
        """Ask it to stop and wait; kill it if it takes longer than `timeout` seconds."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(1)

    def _show(self, output: IO[str]) -> None:
        with output:
            for line in output:
                self._mistake = self._mistake or line.startswith(ERROR_PREFIX)
                text = Text(f"{self.name:<7}", style=self._colour)
                text.append(printable(line.rstrip("\n")), style="default")
                self._console.print(text, soft_wrap=True)
