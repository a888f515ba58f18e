"""A store of tests: an embedded one, with a connection on which commands are sent from any thread, one at a time."""

import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import hiredis

from tidings.store.embedded.embedded_store import EmbeddedStore

ANSWER_WITHIN_S = 10.0


class PooledStoreError(RuntimeError):
    """The store of a test has not answered as it must; a defect, or its process was killed."""


class PooledStore:
    """One store, used by one test at a time."""

    def __init__(self, process: EmbeddedStore) -> None:
        """Connect to a store that runs."""
        self.process = process
        self._replies = hiredis.Reader()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_WITHIN_S)
        self._socket.connect(unquote(process.url.removeprefix("unix://")))

    @property
    def url(self) -> str:
        """Its address."""
        return self.process.url

    def call(self, *args: str | bytes | int) -> Any:
        """Send a command and return the answer.

        Raises:
            PooledStoreError: the store refused it, or did not answer.

        """
        return self.call_all([args])[0]

    def call_all(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[Any]:
        """Send commands together and return their answers.

        Raises:
            PooledStoreError: the store refused one, or did not answer.

        """
        answers: list[Any] = []
        try:
            self._socket.sendall(b"".join(hiredis.pack_command(args) for args in commands))  # type: ignore[arg-type]
            while len(answers) < len(commands):
                while (answer := self._replies.gets()) is False:
                    received = self._socket.recv(65_536)
                    if not received:
                        raise PooledStoreError("the store has closed the connection")
                    self._replies.feed(received)
                answers.append(answer)
        except OSError as error:
            raise PooledStoreError(f"the store does not answer: {error}") from error
        for args, answer in zip(commands, answers, strict=True):
            if isinstance(answer, hiredis.ReplyError):
                raise PooledStoreError(f"{args[0]!r}: {answer}")
        return answers

    def empty(self) -> None:
        """Remove all data; scripts that it knows stay."""
        self.call("FLUSHALL")

    def close(self) -> None:
        """End the store."""
        self._socket.close()
        self.process.stop()
