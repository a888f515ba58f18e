"""The model that answers chats: the stand-in of `examples/chat`, in a process of its own.

A worker starts it at the first question. It listens at a free port of the loopback interface, and ends when its
standard input does: with the worker. `python chat_model.py FD` serves at the socket that it inherits.
"""

import atexit
import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from child_process import end_child

DEMO: Final = Path(__file__).parents[1]

STAND_IN: Final = DEMO.parent / "chat"
"""The folder of `model_server.py`."""

SILENCE_S: Final = 15.0
"""How long the model may say nothing, its start included."""

STOP_S: Final = 5.0
"""How long it may take to end before it is killed."""

MAX_LINE: Final = 65_536
"""Bytes of a line of its answer."""

_PREFIX: Final = b"data: "


class ModelError(Exception):
    """The model did not answer to the end; asking again may help."""


class ModelBusyError(Exception):
    """The model wants the request later: 429. The headers of `response` may say when."""

    def __init__(self, response: urllib.error.HTTPError) -> None:
        """Keep the answer."""
        super().__init__("the model is busy")
        self.response = response


class ChatModel:
    """A client of the model, which it starts. Any thread may use it."""

    def __init__(self) -> None:
        """Prepare; the model is started when it is first asked."""
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    def completion(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the chunks of an answer, as OpenAI's chat completions stream them.

        Args:
            messages: the chat so far, as that interface takes it.
            tools: those that the model may call.

        Raises:
            ModelBusyError: the model refuses for now.
            ModelError: it does not answer, or breaks off.

        """
        body = {"model": "stand-in", "messages": messages, "tools": tools, "stream": True}
        request = urllib.request.Request(  # noqa: S310 - the loopback interface
            f"{self._started()}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=SILENCE_S) as answer:  # noqa: S310
                while line := answer.readline(MAX_LINE):
                    data = line.strip().removeprefix(_PREFIX)
                    if data == b"[DONE]":
                        return
                    if data:
                        yield json.loads(data)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == HTTPStatus.TOO_MANY_REQUESTS:
                raise ModelBusyError(error) from error
            raise ModelError(f"the model answered {error.code}") from error
        except (OSError, ValueError, HTTPException) as error:
            raise ModelError(f"the model does not answer: {error}") from error
        raise ModelError("the model broke off")

    def close(self) -> None:
        """End the model, if it was started."""
        atexit.unregister(self.close)
        with self._starting:
            self._stop()

    def _started(self) -> str:
        """Return the address of the model, which is started if it does not run."""
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._address

    def _start(self) -> None:
        atexit.unregister(self.close)
        self._stop()  # what is left of one that has ended
        # The socket is open before the process is there: a request waits in its queue until the model is ready.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            command = [sys.executable, "-m", __name__, str(listener.fileno())]
            # A group of its own: Ctrl-C in a terminal is for the worker, whose end the model sees.
            self._process = subprocess.Popen(  # noqa: S603 - our own
                command, cwd=DEMO, stdin=subprocess.PIPE, pass_fds=[listener.fileno()], process_group=0
            )
        atexit.register(self.close)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_child(process, STOP_S)


def serve(listener: socket.socket) -> None:
    """Serve until the standard input ends."""
    import uvicorn  # noqa: PLC0415 - heavy, and only for the model's process

    sys.path.insert(0, str(STAND_IN))
    # The stand-in breaks answers off by an exception, which is no news.
    server = uvicorn.Server(uvicorn.Config("model_server:app", log_level="critical", timeout_graceful_shutdown=1))
    threading.Thread(target=_end_with_parent, args=(server,), name="parent", daemon=True).start()
    server.run(sockets=[listener])


def _end_with_parent(server: Any) -> None:
    while sys.stdin.buffer.read(1):
        pass
    server.should_exit = True


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
