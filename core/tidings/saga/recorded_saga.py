"""Recorded sagas: what a running saga has done by now, as a file holds it, to be replayed against other code.

The file has one JSON object a line: first a head, then one for each saga, and at last a count. So a file that was cut
off is not taken for a whole one.
"""

from collections.abc import Iterator
from typing import IO

import msgspec

FORMAT = 1
"""Of the file; one of another format is refused."""

MAX_LINE_BYTES = 67_108_864
"""Bytes of one line: a journal has at most 16 MiB, and is a text within JSON."""


class RecordingError(ValueError):
    """A file holds no recorded sagas, or not all that it began with; the text says what is wrong."""


class RecordedSaga(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One saga as it stood at one moment."""

    token: str
    kind: str
    version: int = 1
    """Of the kind, with which it was submitted."""
    input: msgspec.Raw
    """As it was submitted."""
    steps: dict[str, str]
    """Its journal: the fields of the store's hash (`step.lua`)."""
    memos: dict[str, str] = {}
    """What `ctx.once` and `ctx.patched` have recorded: name → JSON text."""
    epoch: int = 0
    """How often it began again with an empty journal."""
    unwinding: str = ""
    """`failed`, `cancelled` or `expired`, if it undoes its work for that."""


class _Head(msgspec.Struct, frozen=True):
    tidings_sagas: int
    release: str = ""


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sagas: int
    whole: bool


_encode = msgspec.json.Encoder().encode
_decode_saga = msgspec.json.Decoder(RecordedSaga).decode
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_end = msgspec.json.Decoder(_End).decode


def head_line(release: str) -> bytes:
    """Return the first line of a file; `release`: of Tidings, for people."""
    return _encode(_Head(FORMAT, release)) + b"\n"


def saga_line(saga: RecordedSaga) -> bytes:
    """Return the line of a saga."""
    return _encode(saga) + b"\n"


def end_line(sagas: int, *, whole: bool) -> bytes:
    """Return the last line of a file.

    Args:
        sagas: how many it has.
        whole: whether those are all that were asked for: a bound may have left some out.

    """
    return _encode(_End(sagas, whole)) + b"\n"


def read_recorded(file: IO[bytes]) -> Iterator[RecordedSaga]:
    """Yield the sagas of a file.

    Raises:
        RecordingError: it is no such file, of another format, or cut off.

    """
    lines = _lines(file)
    try:
        head = _decode_head(next(lines, b""))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"the file has no recorded sagas; `tidings saga export` writes one ({error})") from None
    if head.tidings_sagas != FORMAT:
        raise RecordingError(f"the file is of format {head.tidings_sagas}; this release reads format {FORMAT}")
    count = 0
    for number, line in enumerate(lines, 2):
        if line.startswith(b'{"sagas":'):
            _check_end(line, count)
            return
        try:
            saga = _decode_saga(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RecordingError(f"line {number} is no recorded saga: {error}") from None
        count += 1
        yield saga
    raise RecordingError(f"the file ends after {count} sagas without its last line: it was cut off; export again")


def _check_end(line: bytes, count: int) -> None:
    try:
        end = _decode_end(line)
    except msgspec.MsgspecError as error:
        raise RecordingError(f"the last line says no count: {error}") from None
    if end.sagas != count:
        raise RecordingError(f"the file has {count} sagas, and its last line says {end.sagas}: lines are missing")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise RecordingError(f"a line has more than {MAX_LINE_BYTES} bytes, which no recorded saga has")
        if line.strip():
            yield line
