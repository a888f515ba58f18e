"""Commands of Tidings for the terminal of a page's reader, forked from the warm interpreter of the tests.

A page runs dozens of commands, each of which would spend most of a second on imports in an interpreter of its own. The
shim (shim.py) sends its arguments, environment, folder and standard streams over a socket (JSON, three descriptors to a
message), gets the id of the process, to which it forwards signals, and then its exit code.
"""

import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

from support.tidings_command import RunningCommand, start_tidings

MAX_REQUEST_BYTES = 262_144


class CommandServer:
    """Starts the commands of one page."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind(str(path))
        self._socket.listen()
        self._running: list[RunningCommand] = []
        self._thread = threading.Thread(target=self._serve, name="commands")
        self._thread.start()

    def close(self) -> None:
        """End what still runs."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        threads = []
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                break
            threads.append(threading.Thread(target=self._run, args=[connection], name="command"))
            threads[-1].start()
        for process in self._running:
            process.kill()
        for thread in threads:
            thread.join()

    def _run(self, connection: socket.socket) -> None:
        """Run the command that a shim asks for."""
        with connection:
            message, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 3)
            request = json.loads(message)
            stdin, stdout, stderr = (os.fdopen(descriptor, "r+b", buffering=0) for descriptor in descriptors)
            with stdin, stdout, stderr:
                process = start_tidings(
                    *request["arguments"],
                    environment=request["environment"],
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    folder=Path(request["folder"]),
                )
            self._running.append(process)
            connection.sendall(json.dumps(process.pid).encode())
            code = process.wait()
            with suppress(BrokenPipeError):  # the shim was killed
                connection.sendall(json.dumps(code).encode())
