"""The checks of kinds before a worker registers them: every server must be able to use their records."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tidings.declare.job import Job
from tidings.schema.schema_limits import check_patterns
from tidings.schema.validation import NoEngineError, compile_schema
from tidings.store.kind_records import check_record


class UnservableKindError(ValueError):
    """Servers could not use the record of a kind; the text says which kind, and what to do."""


def check_kinds(jobs: Iterable[Job[Any, Any]]) -> None:
    """Check kinds with the schema engine of servers where it is installed here, and else by what is known of it.

    Raises:
        UnservableKindError: a kind cannot be registered; one line that names the kind and the field.

    """
    for job in jobs:
        try:
            check_patterns(job.input.schema)
            check_record(job.record())
            _compile(job.input.schema)
        except ValueError as error:
            raise UnservableKindError(f"{job.place}: job {job.kind}: {error}") from None


def _compile(schema: dict[str, Any]) -> None:
    try:
        compile_schema(msgspec.json.decode(msgspec.json.encode(schema)))
    except NoEngineError:
        return
