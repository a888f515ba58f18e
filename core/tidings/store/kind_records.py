"""Reading the kinds that workers registered. A worker may be of another release, or broken: no record is trusted."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.circuit.breaker import BREAKER_NAME
from tidings.declare.policy import MAX_LIMIT, MAX_RATE, MAX_RETRIES, MAX_RUN_S
from tidings.protocol.kinds.input_template import InputTemplate
from tidings.protocol.kinds.kind_record import KindRecord, decode_kind
from tidings.protocol.kinds.tier_rule import pointer_parts
from tidings.schema.schema_limits import MAX_SCHEMA_BYTES, check_bounds
from tidings.seconds import YEAR_S

from .placement.placement import UNSPREAD_QUEUES, Placements

MAX_KINDS = 20_000
"""Kinds that a process knows at a time."""

MAX_RECORD_BYTES = 2 * MAX_SCHEMA_BYTES
"""Size of what a worker registers of one kind: two schemas, and little else."""

MAX_ALL_BYTES = 67_108_864
"""Size of the records of all kinds together."""

MAX_NAME = 200
"""Characters of a kind's name as an operator is shown it."""

_BOUNDS = {
    "version": (0, 2**53 - 1),
    "timeout": (0, YEAR_S),
    "retries": (0, MAX_RETRIES),
    "unique_for": (0, YEAR_S),
    "every": (0, YEAR_S),
    "limit": (1, MAX_LIMIT),
    "rate": (0, MAX_RATE),
    "rate_per": (0, MAX_RUN_S),
    "max_eta": (0, YEAR_S),
}
"""The least and the most that a number in a record may be."""


class RegisteredKinds(NamedTuple):
    """What was registered."""

    records: dict[str, KindRecord]
    left_out: dict[str, str]
    """Kinds that cannot be used, and why: one line for each."""
    placements: Placements = UNSPREAD_QUEUES
    """Of the queues that are spread over several partitions, or were."""


def read_kinds(flat: Sequence[Any]) -> RegisteredKinds:
    """Return what `lua/kinds.lua` found: each name, the size of its record, and the record."""
    records: dict[str, KindRecord] = {}
    left_out: dict[str, str] = {}
    for name, size, raw in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        try:
            record = read_kind(name, size, raw)
        except ValueError as error:
            left_out[shown_name(name)] = str(error)
        else:
            records[record.kind] = record
    return RegisteredKinds(records, left_out)


def shown_name(name: bytes) -> str:
    """Return a kind's name as an operator is shown it: it need be no text, and may be long."""
    return name[: 4 * MAX_NAME].decode(errors="replace")[:MAX_NAME]


def read_kind(name: bytes, size: int, raw: bytes) -> KindRecord:
    """Return one record.

    Args:
        name: under which it lies.
        size: of the record, bytes.
        raw: the record; empty: it was too large to be read.

    Raises:
        ValueError: it cannot be used; says why.

    """
    if size and not raw:
        raise ValueError(
            f"its record is {size} bytes; at most {MAX_RECORD_BYTES} of one kind, and {MAX_ALL_BYTES} of all, are read"
        )
    try:
        record = decode_kind(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"its record is not of the form that this release reads: {error}") from None
    if record.kind.encode() != name:
        raise ValueError(f"its record is that of another kind, {record.kind}")
    check_record(record)
    return record


def check_record(record: KindRecord) -> None:
    """Check what the types do not say.

    Raises:
        ValueError: the record cannot be used; names the field.

    """
    for field, (least, most) in _BOUNDS.items():
        value = getattr(record, field)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            raise ValueError(f"{field} is {value}; it must be {least} to {most:g}")
    if record.breaker is not None and BREAKER_NAME.fullmatch(record.breaker) is None:
        raise ValueError(f"breaker is {record.breaker[:100]!r}, which is no name")
    schema = _schema_of(record)
    for field, template in (("unique", record.unique), ("limit_by", record.limit_by)):
        if template is not None:
            try:
                InputTemplate.of(template, schema)
            except ValueError as error:
                raise ValueError(f"{field}: {error}") from None
    if record.route is not None and record.route.field:
        try:
            pointer_parts(record.route.field)
        except ValueError as error:
            raise ValueError(f"route: {error}") from None


def _schema_of(record: KindRecord) -> dict[str, Any]:
    if len(bytes(record.input)) > MAX_SCHEMA_BYTES:
        raise ValueError(f"input is {len(bytes(record.input))} bytes; at most {MAX_SCHEMA_BYTES} may be")
    try:
        schema = msgspec.json.decode(record.input)
        check_bounds(schema)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ValueError(f"input: {error}") from None
    if not isinstance(schema, dict):
        raise ValueError("input is no JSON Schema: it must be an object")  # noqa: TRY004 - of a value in the store
    return schema
