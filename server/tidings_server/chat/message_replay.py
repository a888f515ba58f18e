"""What a client is sent of a message that attempts of a job write: each part once, and what is void taken back. No I/O.

The page cannot be told to forget a message, only what follows the newest `start-step` (`reset-step`). So when a later
attempt writes the message again, its parts are compared with those that the client has, up to that `start-step`. Where
they are the same, the client gets a `reset-step` and what follows; where they are not, only a new replay helps.

A message may go on with an earlier one, whose parts are not the job's. A client that asks has them; one that resumes
begins with nothing, and gets them from the chunks that hold them (`message_prefix.py`). A worker of an earlier release
wrote none: then it gets nothing.

Source: `process-ui-message-stream.ts` of the package `ai` 7.0.173.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import TypeVar

import msgspec

from tidings.ai.message_prefix import EARLIER, PrefixText

T = TypeVar("T")

RESET_STEP = '{"type":"reset-step"}'

_HEAD = frozenset({"start", "message-metadata"})
"""Types of parts that may come twice: they add nothing to a message that has had them."""


class _TypedPart(msgspec.Struct):
    """A part, as far as it matters here."""

    type: str


class _StartPart(msgspec.Struct):
    message_id: str = msgspec.field(name="messageId", default="")


class _PrefixPart(msgspec.Struct):
    data: PrefixText


_decode = msgspec.json.Decoder(_TypedPart).decode
_decode_start = msgspec.json.Decoder(_StartPart).decode
_decode_earlier = msgspec.json.Decoder(_PrefixPart).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode


class MalformedPartError(Exception):
    """A chunk of the stream is no part of a message: a handler wrote it there itself."""


class MessageReplay:
    """The parts of one message as one client has them."""

    def __init__(self, resumed: str = "") -> None:
        """Begin.

        Args:
            resumed: the token of the job whose message the client resumes; empty: the client has asked, and has the
                message that is gone on with.

        """
        self._resumed = resumed
        self._start = ""
        """The `start` of a message that goes on with an earlier one, until it is known whether that one is there."""
        self._earlier: list[str] = []
        """The pieces of the earlier message, until it is whole."""
        self.lacks_earlier = False
        """Whether the client would need an earlier message, and there is none."""
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
        self._start = ""
        self._earlier.clear()
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
        if self.lost or self.lacks_earlier:
            return
        if self._compared is not None:
            self._compare(index, chunk, self._compared, parts)
            return
        self._sent.update(chunk.encode())
        type_ = _type_of(chunk)
        if self._resumed and self._is_held(type_, chunk, parts):
            return
        if type_ == EARLIER:
            return
        if type_ == "start-step":
            self._step, self._step_digest = index, self._sent.digest()
        elif type_ == "finish":
            self.finished = True
        elif self._step < 0 and type_ not in _HEAD:
            self._beyond_head = True
        parts.append(chunk)

    def _is_held(self, type_: str, chunk: str, parts: list[str]) -> bool:
        """Return whether a chunk is not for a client that resumes; the parts of an earlier message are."""
        if type_ == "start" and self._step < 0 and not self._beyond_head:
            self._start = chunk if _decoded(_decode_start, chunk).message_id not in ("", self._resumed) else ""
            return bool(self._start)
        if type_ != EARLIER:
            self.lacks_earlier = bool(self._start)
            return self.lacks_earlier
        piece = _decoded(_decode_earlier, chunk).data
        self._earlier.append(piece.text)
        if piece.last and self._start:
            parts.append(self._start)
            parts += (bytes(part).decode() for part in _decoded(_decode_parts, "".join(self._earlier)))
            self._beyond_head, self._start = True, ""
            self._earlier.clear()
        return True

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
    return _decoded(_decode, chunk).type


def _decoded(decode: Callable[[str], T], text: str) -> T:
    try:
        return decode(text)
    except msgspec.DecodeError as error:
        raise MalformedPartError(str(error)) from error
