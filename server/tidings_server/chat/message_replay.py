"""What a client is sent of a message that attempts of a job write: each part once, and what is void taken back. No I/O.

The page cannot be told to forget a message, only what follows the newest `start-step` (`reset-step`). So when a later
attempt writes the message again, its parts are compared with those that the client has, up to that `start-step`. Where
they are the same, the client gets a `reset-step` and what follows; where they are not, only a new replay helps.

Source: `process-ui-message-stream.ts` of the package `ai` 7.0.173.
"""

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

RESET_STEP = '{"type":"reset-step"}'

_HEAD = frozenset({"start", "message-metadata"})
"""Types of parts that may come twice: they add nothing to a message that has had them."""


class _TypedPart(msgspec.Struct):
    """A part, as far as it matters here."""

    type: str


_decode = msgspec.json.Decoder(_TypedPart).decode


class MalformedPartError(Exception):
    """A chunk of the stream is no part of a message: a handler wrote it there itself."""


class MessageReplay:
    """The parts of one message as one client has them."""

    def __init__(self) -> None:
        self.count = 0
        """The index of the chunk of the job's stream that comes next."""
        self.finished = False
        """Whether the client has the end of the message (`finish`)."""
        self._sent = blake2b()
        """Over all parts that the client has, in order."""
        self._step = -1
        """The index of the newest `start-step` that the client has; -1: none."""
        self._step_digest = b""
        """Of the parts up to that one."""
        self._beyond_head = False
        """Whether the client has parts that make the message, before any step."""
        self._compared: blake2b | None = None
        """Over the parts of a later attempt, until it has come to that `start-step`; None: nothing is compared."""
        self.lost = False
        """Whether the client has what is void and cannot be taken back."""

    @property
    def begun(self) -> bool:
        """Whether the client has any part."""
        return bool(self.count) or self._step >= 0 or self._beyond_head

    @property
    def whole(self) -> bool:
        """Whether the client has all that was taken, and nothing that is void."""
        return not self.lost and self._compared is None

    def begin_again(self) -> None:
        """Take note that the message is taken again from its first part."""
        self.finished = False
        if self._step >= 0:
            self._compared = blake2b()
        elif self._beyond_head:
            self.lost = True
        self.count = 0

    def take(self, chunks: Iterable[str]) -> list[str]:
        """Take the chunks that come next; return the parts that the client is to be sent.

        Raises:
            MalformedPartError: one is no part.

        """
        parts: list[str] = []
        for chunk in chunks:
            self._take(chunk, parts)
        return parts

    def _take(self, chunk: str, parts: list[str]) -> None:
        index, self.count = self.count, self.count + 1
        if self.lost:
            return
        if self._compared is not None:
            self._compare(index, chunk, self._compared, parts)
            return
        self._sent.update(chunk.encode())
        type_ = _type_of(chunk)
        if type_ == "start-step":
            self._step, self._step_digest = index, self._sent.digest()
        elif type_ == "finish":
            self.finished = True
        elif self._step < 0 and type_ not in _HEAD:
            self._beyond_head = True
        parts.append(chunk)

    def _compare(self, index: int, chunk: str, compared: blake2b, parts: list[str]) -> None:
        compared.update(chunk.encode())
        if index < self._step:
            return
        if compared.digest() == self._step_digest:
            self._sent, self._compared = compared, None
            parts.append(RESET_STEP)
        else:
            self.lost = True


def _type_of(chunk: str) -> str:
    try:
        return _decode(chunk).type
    except msgspec.ValidationError as error:
        raise MalformedPartError(str(error)) from error
