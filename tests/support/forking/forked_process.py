"""Commands of Tidings as child processes, each forked from one warm interpreter (fork_server.py)."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

SERVER = Path(__file__).with_name("fork_server.py")

READ_AT_START = ("PYTHON", "LC_", "LANG")
"""How the names of those variables begin that an interpreter reads as it starts."""


class ForkServer:
    """The warm interpreter of this test process; it starts with the first command and ends with the test process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
        """Return the answer to a request."""
        with self._lock:
            if self._socket is None:
                self._socket = self._start()
            socket.send_fds(self._socket, [json.dumps(request).encode()], list(descriptors))
            answer = self._socket.recv(1024)
        assert answer, "the fork server has ended"
        return json.loads(answer)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, str(SERVER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self._end, ours, process)
        return ours

    @staticmethod
    def _end(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
        connection.close()
        process.wait(10)


_server = ForkServer()


class ForkedProcess:
    """A command of Tidings that runs; its methods are those of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stdin: IO[Any],
        stdout: IO[Any],
        stderr: IO[Any],
        folder: Path | None = None,
    ) -> None:
        request = {"arguments": arguments, "environment": dict(environment), "folder": str(folder or Path.cwd())}
        self.args = [sys.executable, "-m", "tidings", *arguments]
        self.returncode: int | None = None
        self.pid: int = _server.ask(request, [stdin.fileno(), stdout.fileno(), stderr.fileno()])
        self._ending = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """Return its exit code, if it has ended."""
        if self.returncode is None:
            self.returncode = _server.ask({"pid": self.pid})
            if self.returncode is not None:
                os.close(self._ending)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code once it has ended.

        Raises:
            subprocess.TimeoutExpired: that took longer than `timeout`, in seconds.

        """
        give_up = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if give_up is None else give_up - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            select.select([self._ending], [], [], left)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.send_signal(signal.SIGKILL)


def can_be_forked(environment: Mapping[str, str]) -> bool:
    """Return whether this machine can fork them (pidfd_open(2)), and no variable differs that an interpreter reads."""
    if sys.platform != "linux":
        return False
    names = {name for name in {*environment, *os.environ} if name.startswith(READ_AT_START)}
    return all(environment.get(name) == os.environ.get(name) for name in names)
