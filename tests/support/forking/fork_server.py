"""A process that has imported what the commands of Tidings import, and forks one child for each command of a test.

A new interpreter spends half a second of processor time on imports before the command begins; a fork spends none. The
child does what `python -m tidings` does from there on: it runs the same module in the working directory, with the
arguments, the environment and the standard streams that the test gave. forked_process.py is the other end.

A child that ends as it should leaves without clearing its modules: that would copy all memory that it shares with this
process, and would take longer than everything else that most commands do. What tests say about the clearing of modules
they prove in new interpreters (tests/worker/test_garbage.py).

Requests come over a socket, one to a message (JSON):

- `{"arguments": […], "environment": {…}, "folder": "…"}` with three file descriptors: fork; answered by the child's id.
- `{"pid": …}`: answered by the exit code as `subprocess` has it, or null while the child runs.

The process has one thread, so that forking is safe, and it ends when the test process closes its end of the socket.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading
from importlib import import_module
from typing import Any

MAX_REQUEST_BYTES = 262_144
"""Size of one request: arguments and environment of a command."""

PRELOADED = (
    "anyio._backends._asyncio",
    "encodings.idna",
    "typer._adapters",
    "tidings_cli.job_commands",
    "tidings_cli.operate.breaker_commands",
    "tidings_cli.operate.dead_letters.dead_letter_commands",
    "tidings_cli.operate.kind_commands",
    "tidings_cli.operate.pause_commands",
    "tidings_cli.operate.status_command",
    "tidings_cli.top.top_command",
    "tidings_server.server_commands",
    "tidings_server.run",
    "tidings_worker.worker_commands",
    "tidings_worker.run",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "rich.traceback",
    "pydantic.json_schema",
    "pydantic.type_adapter",
)
"""Modules that most commands import (typer imports pydantic where it is installed); a command may import more."""


def serve(connection: socket.socket) -> dict[str, Any]:
    """Answer requests; return in each child, with its request. The server itself never returns."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 3)
        if not message:
            raise SystemExit(0)
        request: dict[str, Any] = json.loads(message)
        if "pid" in request:
            connection.sendall(json.dumps(exit_code(request["pid"])).encode())
            continue
        child = os.fork()
        if child == 0:
            connection.close()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            os.closerange(3, max(descriptors) + 1)
            return request
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(json.dumps(child).encode())


def exit_code(pid: int) -> int | None:
    """Return how a child ended: its exit code, or the signal's number below zero; None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def become(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Be as a new interpreter is that was started as `python -m tidings ARGUMENTS`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = ["-m", *arguments]
    sys.orig_argv = [sys.executable, "-m", "tidings", *arguments]
    if sys.stdout.isatty():  # that of the server is no terminal
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def leave(code: int) -> None:
    """End this process as the interpreter ends one, but for clearing its modules.

    Raises:
        OSError: what was printed cannot be written. The interpreter then says so as it ends the process.

    """
    gc.collect()  # tasks and coroutines that were let go complain now; what was frozen stays out
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serve on the socket whose descriptor is the first argument; in a child run the command."""
    del sys.path[0]  # this file's folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test process, which ends the children
    for module in PRELOADED:
        import_module(module)
    # Otherwise the collector of each child would write to all these objects, and so copy the memory that they lie in.
    gc.collect()
    gc.freeze()
    become(**serve(socket.socket(fileno=int(sys.argv[1]))))
    code = 0
    try:
        runpy.run_module("tidings", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        code = ended.code or 0
    leave(code)


if __name__ == "__main__":
    main()
