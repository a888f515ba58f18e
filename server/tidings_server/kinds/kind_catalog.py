"""The kinds that workers registered, as this server may use them, and the check of submissions against them."""

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, takewhile
from typing import Any, NamedTuple, Self

import jsonschema_rs
import msgspec

from tidings.protocol.decoding.json_pointer import json_pointer
from tidings.protocol.decoding.name_suggestions import name_hint
from tidings.protocol.field_types import YEAR_S
from tidings.protocol.frames.messages import Submission
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import ProblemError, problem_error
from tidings.schema.formats import format_text
from tidings.schema.validation import compile_schema
from tidings.store.jobs.queueing_terms import KindTerms
from tidings.store.kind_records import check_record
from tidings.store.placement.placement import UNSPREAD_QUEUES, Placements

MAX_FINDINGS = 20
"""How many findings on one input a refusal names."""

MAX_TYPO = 3
"""By how many characters a misspelt kind may be longer or shorter than the right one."""

MAX_COMPARED = 100
"""How many kinds a misspelt one is compared with: each costs tens of µs, and any client may ask for unknown kinds."""

MAX_NAME = 100
"""Characters of a field's name for which a refusal points to that field."""


class _KindEntry(NamedTuple):
    """One kind, prepared for the check of every submission."""

    record: KindRecord
    validator: jsonschema_rs.Validator
    terms: KindTerms

    @classmethod
    def of(cls, record: KindRecord) -> Self:
        """Prepare a kind by its record.

        Raises:
            ValueError: the record cannot be used; names the field.

        """
        check_record(record)
        try:
            validator = compile_schema(msgspec.json.decode(record.input))
        except ValueError as error:
            raise ValueError(f"input: {error}") from None
        return cls(record, validator, KindTerms(record))


class KindCatalog:
    """The registered kinds that can be used, each with its validator; replaced as a whole when the registry changes."""

    def __init__(self, records: Iterable[KindRecord] = (), before: "KindCatalog | None" = None) -> None:
        """Prepare the kinds.

        Args:
            records: what workers registered.
            before: the catalog so far: a kind that has not changed is not prepared again.

        """
        self.placements: Placements = UNSPREAD_QUEUES
        """Of the queues that are spread over several partitions, or were."""
        self.left_out: dict[str, str] = {}
        """Kinds that cannot be used, and why."""
        self._kinds: dict[str, _KindEntry] = {}
        for record in records:
            known = before._kinds.get(record.kind) if before is not None else None  # noqa: SLF001 - of the same class
            try:
                self._kinds[record.kind] = known if known and known.record == record else _KindEntry.of(record)
            except Exception as error:  # noqa: BLE001 - a worker wrote the record: it may cost its kind, and no other
                self.left_out[record.kind] = str(error)
        self.records = {name: kind.record for name, kind in self._kinds.items()}

    @property
    def queues(self) -> set[str]:
        """The queues in which jobs of these kinds wait, and the further partitions of those that are spread."""
        queues = {record.queue for record in self.records.values()}
        return set(self.placements.all_partitions(queues)) if self.placements else queues

    def partitions_of(self, queue: str) -> list[str]:
        """Return the partitions that a name stands for: all of a queue, or the one; empty: there is no such queue."""
        if queue not in self.queues:
            return []
        return list(self.placements.partitions(queue))

    def check(self, submission: Submission) -> tuple[KindTerms, dict[str, Any]]:
        """Return the terms of a submission's kind, and its input decoded, if fields and input fit the kind.

        Raises:
            ProblemError: `unknown_kind`, `invalid_frame` or `invalid_input`, with the field.

        """
        kind = self._kinds.get(submission.kind)
        if kind is None:
            raise self._unknown(submission.kind)
        _check_fields(submission, kind.record)
        return kind.terms, _check_input(submission, kind)

    def fallback(self, record: KindRecord, value: dict[str, Any]) -> KindTerms | None:
        """Return the kind that may answer in place of another: one of the same queue that takes this input."""
        other = self._kinds.get(record.fallback or "")
        if other is None or other.record.queue != record.queue or not other.validator.is_valid(value):
            return None
        return other.terms

    def _unknown(self, kind: str) -> ProblemError:
        if kind in self.left_out:
            return problem_error(
                "unknown_kind",
                f"what a worker registered of the kind {kind!r} cannot be used; the server's log says why",
                field="/kind",
            )
        alike = islice((name for name in self.records if abs(len(name) - len(kind)) <= MAX_TYPO), MAX_COMPARED)
        close = difflib.get_close_matches(kind, alike, n=1)
        if close:
            name_hint = f"did you mean {close[0]!r}?"
        elif self.records:
            some = sorted(self.records)[:10]
            name_hint = f"there are: {', '.join(some)}{', …' if len(self.records) > len(some) else ''}"
        else:
            name_hint = "no worker has registered any kind yet: start one with `tidings work MODULE`"
        return problem_error("unknown_kind", f"no worker has registered the kind {kind!r}; {name_hint}", field="/kind")


def _check_input(submission: Submission, kind: _KindEntry) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(submission.input)
    except (msgspec.DecodeError, RecursionError) as error:
        raise problem_error("invalid_input", f"not JSON: {error}", field="/input") from error
    if not isinstance(value, dict):
        raise problem_error("invalid_input", "the input must be a JSON object", field="/input")
    if not kind.validator.is_valid(value):
        raise _invalid(submission.kind, kind.validator, msgspec.json.decode(kind.record.input), value)
    return value


def _check_fields(submission: Submission, record: KindRecord) -> None:
    if submission.at is not None and submission.delay is not None:
        raise problem_error("invalid_frame", "give `at` or `delay`, not both", field="/at")
    if submission.at is not None and submission.at > datetime.now(UTC) + timedelta(seconds=YEAR_S):
        raise problem_error("invalid_frame", f"`at` is more than a year ({YEAR_S} s) ahead", field="/at", limit=YEAR_S)
    if submission.queue is not None and submission.queue != record.queue:
        raise _not_served("queue", submission.queue, record, (record.queue,))
    if submission.tier is not None and submission.tier not in record.tiers:
        raise _not_served("tier", submission.tier, record, record.tiers)


def _not_served(name: str, asked: str, record: KindRecord, served: tuple[str, ...]) -> ProblemError:
    return problem_error(
        "invalid_frame",
        f"{record.kind} is served in the {name} {' or '.join(map(repr, served))}, not in {asked!r}",
        field=f"/{name}",
    )


def _invalid(kind: str, validator: jsonschema_rs.Validator, schema: Any, value: Any) -> ProblemError:
    every = chain.from_iterable(_findings(error, schema) for error in validator.iter_errors(value))
    findings = list(islice(every, MAX_FINDINGS))
    first = findings[0]
    more = f" (and {len(findings) - 1} more, see errors)" if len(findings) > 1 else ""
    return problem_error(
        "invalid_input",
        f"{kind}: {first['detail']}{more}",
        field=first["field"],
        errors=findings if len(findings) > 1 else None,
    )


def _findings(error: Any, schema: Any) -> Iterable[dict[str, Any]]:
    """Yield what one validation error says; a missing or unknown field is named by its own place."""
    if error.kind.name == "anyOf" and (meant := _meant(error)):
        for one in meant:
            yield from _findings(one, schema)
        return
    place: list[str | int] = ["input", *error.instance_path]
    found: list[tuple[list[str | int], str]]
    if error.kind.name == "required":
        name = error.kind.property
        found = [([*place, name], f"the field {_shorten(name)} is missing")]
    elif error.kind.name == "additionalProperties":
        known = _properties(schema, error.schema_path[:-1])
        found = [([*place, name], _no_field(name, known)) for name in error.kind.unexpected]
    elif error.kind.name == "format":
        found = [(place, _shorten(error.message) + format_text(error.kind.format))]
    elif error.kind.name == "propertyNames":
        found = [(place, f"a name in it is not allowed: {_shorten(error.message)}")]
    else:
        found = [(place, _shorten(error.message))]
    for where, text in found:
        yield {"field": _pointer(where), "detail": text}


def _no_field(name: str, known: list[str]) -> str:
    what = f"there is no field {_shorten(name)}"
    return f"{what}; {name_hint(name, known)}" if known else what


def _properties(schema: Any, path: Iterable[str | int]) -> list[str]:
    """Return the names of the fields that an object may have by the schema at a place; empty: there is none."""
    try:
        for step in path:
            schema = schema[step]
        return list(schema["properties"])
    except (KeyError, IndexError, TypeError):
        return []


def _meant(error: Any) -> list[Any]:
    """Return what is wrong under the one alternative whose type the value has; empty: not one alternative has it."""
    close = [branch for branch in error.kind.context if branch and branch[0].kind.name != "type"]
    return list(close[0]) if len(close) == 1 else []


def _pointer(place: list[str | int]) -> str:
    """Return the pointer to a place, or to what holds it where its own name is no name for people."""
    return json_pointer(takewhile(lambda part: len(str(part)) <= MAX_NAME, place))


def _shorten(message: str) -> str:
    """Return a message that may quote the whole input, or the name of a field, in a length for people."""
    return message if len(message) <= 300 else message[:140] + " … " + message[-140:]
