"""`--workers N`: equal processes under one that starts, watches and stops them.

The parent does nothing else, so that nothing of a job or a client can bring it down. It passes signals on, starts a
process again that ended by itself (supervision.py), and ends with the last one. The children end with it, however it
ends.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
import typer

from tidings.process.parent_death import PARENT_VARIABLE
from tidings_cli.command_errors import EXIT_MISTAKE, EXIT_SETTING, EXIT_STORE

from .supervision import STEADY_S, Supervision, describe_end

MAX_PROCESSES = 256
"""Processes of one group."""

HELPLESS_CODES = frozenset({EXIT_MISTAKE, EXIT_SETTING, EXIT_STORE})
"""Exit codes of a process that says why it cannot start: if it does so at its first start, the group ends with it."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

LONGEST_WAIT_S = 3_600.0

log = structlog.get_logger()


def tidings_command(*arguments: str) -> list[str]:
    """Return what runs a command of `tidings` as a process."""
    # -P: a file of the user's in the working directory may have the name of a module of Python's.
    return [sys.executable, "-P", "-m", "tidings", *arguments]


def numbered_environments(shared: Mapping[str, str], variable: str, first: int, count: int) -> list[dict[str, str]]:
    """Return the environments of equal processes, each with a port of its own for metrics.

    Args:
        shared: what all have.
        variable: the one that names the port.
        first: the port of the first process, from which the others count up; 0: none has one.
        count: how many processes.

    """
    return [{**shared, variable: str(first + number if first else 0)} for number in range(count)]


class GroupProcess:
    """One process of a group, started again and again."""

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        environment: Mapping[str, str],
        descriptors: Sequence[int],
        clock: Callable[[], float],
    ) -> None:
        self.number = number
        self._command = list(command)
        self._environment = {**environment, PARENT_VARIABLE: str(os.getpid())}
        self._descriptors = tuple(descriptors)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._began = clock()
        self.starts = 0
        self.supervision = Supervision(clock)

    @property
    def pid(self) -> int | None:
        """Its process id; None: it is down."""
        return self._process.pid if self._process is not None else None

    @property
    def has_just_begun(self) -> bool:
        """Whether this is its first start, a short while ago."""
        return self.starts == 1 and self._clock() - self._began < STEADY_S

    def start(self) -> None:
        """Start it, in a process group of its own: the parent, not the terminal's Ctrl-C, stops it."""
        self.starts += 1
        self._began = self._clock()
        self.supervision.started()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            pass_fds=self._descriptors,
            process_group=0,
        )

    def take_end(self) -> int | None:
        """Return its exit code, once, if it has ended."""
        code = self._process.poll() if self._process is not None else None
        if code is not None:
            self._process = None
        return code

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)


class ProcessGroup:
    """Equal processes, and the loop that watches them."""

    def __init__(
        self,
        command: Sequence[str],
        environments: Sequence[Mapping[str, str]],
        *,
        descriptors: Sequence[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            command: what each process runs; see `tidings_command`.
            environments: of each process; as many processes there are.
            descriptors: open files that each process inherits under the same numbers, such as listening sockets.
            clock: seconds that never go back.

        """
        self._clock = clock
        self._processes = [
            GroupProcess(number, command, environment, descriptors, clock)
            for number, environment in enumerate(environments)
        ]
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Run the processes until a signal stops them, or until they cannot run; return the exit code."""
        with _wakeups() as reader:
            for process in self._processes:
                process.start()
            log.info("processes", count=len(self._processes), pids=[process.pid for process in self._processes])
            while self._any_runs() or (self._any_is_due() and not self._stopping):
                for number in _wait(reader, self._pause()):
                    if number in STOP_SIGNALS:
                        self._pass_on(number)
                for process in self._processes:
                    self._look_at(process)
        return self._code

    def _any_runs(self) -> bool:
        return any(process.pid is not None for process in self._processes)

    def _any_is_due(self) -> bool:
        return any(process.supervision.pending for process in self._processes)

    def _pause(self) -> float:
        """Return the seconds until a process is to be started."""
        waits = [wait for process in self._processes if (wait := process.supervision.due_in()) is not None]
        return LONGEST_WAIT_S if self._stopping else min(waits, default=LONGEST_WAIT_S)

    def _pass_on(self, number: int) -> None:
        """Have every process take a signal: the first asks it to stop, further ones to hurry."""
        self._stopping = True
        for process in self._processes:
            process.signal(number)

    def _look_at(self, process: GroupProcess) -> None:
        code = process.take_end()
        if code is not None:
            self._ended(process, code)
        elif process.supervision.is_due() and not self._stopping:
            process.start()
            log.info("process_restarted", number=process.number, pid=process.pid)

    def _ended(self, process: GroupProcess, code: int) -> None:
        if self._stopping:
            self._code = self._code or _shell_code(code)
            return
        if process.has_just_begun and code in HELPLESS_CODES:
            self._give_up(code)  # it has said why
            return
        pause = process.supervision.ended()
        log.warning("process_ended", number=process.number, how=describe_end(code), restart_in_s=pause)
        if pause is None:
            log.critical("process_ends_again_and_again", number=process.number, help="its own last lines say why")
            self._give_up(_shell_code(code) or 1)

    def _give_up(self, code: int) -> None:
        self._code = code
        self._pass_on(signal.SIGTERM)


def _shell_code(code: int) -> int:
    """Return an exit code for that of a child, as `subprocess` has it; 128 + number for a signal, as shells do."""
    return code if code >= 0 else 128 - code


def _wait(reader: int, seconds: float) -> bytes:
    """Return the numbers of the signals that came; none if no signal came in time."""
    ready, _, _ = select.select([reader], [], [], seconds)
    return os.read(reader, 4096) if ready else b""


def workers_option(what: str) -> Any:
    """Return the flag `--workers` of a command."""
    meaning = f"So many processes {what}, for machines with many cores."
    return typer.Option("--workers", min=1, max=MAX_PROCESSES, help=meaning)


@contextmanager
def _wakeups() -> Iterator[int]:
    """Have signals written to a pipe, whose end to read is given, in place of what they do else.

    Handlers, unlike a mask, are not inherited by what this process starts.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before_descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
    try:
        yield reader
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_descriptor)
        os.close(reader)
        os.close(writer)
