"""Kinds as a file: what `tidings schema export` writes, and what a change is compared with."""

from collections.abc import Iterable

import msgspec

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.kind_records import MAX_ALL_BYTES, check_record

FORMAT = 1
"""The number of the form of these files."""


class SchemaExport(msgspec.Struct, frozen=True, kw_only=True):
    """The kinds of one moment."""

    format: int = FORMAT
    kinds: list[KindRecord]


class ExportError(ValueError):
    """A file holds no kinds that can be read; the text says why."""


def write_export(kinds: Iterable[KindRecord]) -> bytes:
    """Return the file of some kinds: the same kinds give the same bytes."""
    ordered = sorted(kinds, key=lambda kind: kind.kind)
    return msgspec.json.format(msgspec.json.encode(SchemaExport(kinds=ordered))) + b"\n"


def read_export(data: bytes) -> dict[str, KindRecord]:
    """Return the kinds of a file, by name.

    Raises:
        ExportError: it is too large, of another form, or a kind in it cannot be used.

    """
    if len(data) > MAX_ALL_BYTES:
        raise ExportError(f"it is {len(data)} bytes; at most {MAX_ALL_BYTES} are read")
    try:
        found = msgspec.json.decode(data, type=SchemaExport)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ExportError(f"it is not what `tidings schema export` writes: {error}") from None
    if found.format != FORMAT:
        raise ExportError(f"its format is {found.format}; this release reads {FORMAT}")
    for kind in found.kinds:
        try:
            check_record(kind)
        except ValueError as error:
            raise ExportError(f"the kind {kind.kind}: {error}") from None
    return {kind.kind: kind for kind in found.kinds}
