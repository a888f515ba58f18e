"""The kinds this gateway knows of, from what workers registered, and the check of inputs."""

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, takewhile
from typing import Any

import jsonschema_rs
import msgspec

from tidings.broker.condition import Conditions
from tidings.contract.frame import YEAR_S, Submission
from tidings.contract.kind import KindRecord
from tidings.contract.pointer import pointer
from tidings.contract.problem import ProblemError, refuse
from tidings.contract.template import Template

MAX_FINDINGS = 20
"""How many things wrong with one input are told at once."""

MAX_NAME = 100
"""Characters of a field's name for which a refusal points to that field."""


class Kinds:
    """All registered kinds, each with its validator; replaced as a whole when they change."""

    def __init__(self, records: Iterable[KindRecord] = ()) -> None:
        self.records = {record.kind: record for record in records}
        self._validators: dict[str, jsonschema_rs.Validator] = {
            name: jsonschema_rs.validator_for(msgspec.json.decode(record.input))
            for name, record in self.records.items()
        }
        self._conditions = {name: Conditions(record) for name, record in self.records.items()}
        self._unique = {
            name: Template.of(record.unique, msgspec.json.decode(record.input))
            for name, record in self.records.items()
            if record.unique is not None
        }

    @property
    def queues(self) -> set[str]:
        """The queues in which jobs of these kinds wait."""
        return {record.queue for record in self.records.values()}

    def check(self, submission: Submission) -> tuple[KindRecord, dict[str, Any]]:
        """Return the kind of a submission whose fields and input fit it, and the input.

        Raises:
            ProblemError: `unknown_kind`, `invalid_frame` or `invalid_input`, with the field.

        """
        record = self.records.get(submission.kind)
        if record is None:
            raise self._unknown(submission.kind)
        _check_fields(submission, record)
        return record, self._check_input(submission)

    def unique_value(self, kind: str, value: dict[str, Any]) -> str:
        """Return what makes an input the same work as another of its kind; empty: nothing does.

        A long value is told by its digest.
        """
        template = self._unique.get(kind)
        return "" if template is None else template.value(value)

    def conditions(self, kind: str) -> Conditions:
        """Return under which conditions jobs of a registered kind are queued."""
        return self._conditions[kind]

    def fallback(self, record: KindRecord, value: dict[str, Any]) -> KindRecord | None:
        """Return the kind that may answer in place of another: one of the same queue that takes this input."""
        other = self.records.get(record.fallback or "")
        if other is None or other.queue != record.queue or not self._validators[other.kind].is_valid(value):
            return None
        return other

    def _unknown(self, kind: str) -> ProblemError:
        close = difflib.get_close_matches(kind, self.records, n=1)
        if close:
            hint = f"did you mean {close[0]!r}?"
        elif self.records:
            some = sorted(self.records)[:10]
            hint = f"there are: {', '.join(some)}{', …' if len(self.records) > len(some) else ''}"
        else:
            hint = "no worker has registered any kind yet: start one with `tidings work MODULE`"
        return refuse("unknown_kind", f"no worker has registered the kind {kind!r}; {hint}", field="/kind")

    def _check_input(self, submission: Submission) -> dict[str, Any]:
        try:
            value = msgspec.json.decode(submission.input)
        except (msgspec.DecodeError, RecursionError) as error:
            raise refuse("invalid_input", f"not JSON: {error}", field="/input") from error
        if not isinstance(value, dict):
            raise refuse("invalid_input", "the input must be a JSON object", field="/input")
        validator = self._validators[submission.kind]
        if not validator.is_valid(value):
            raise _invalid(submission.kind, validator, value)
        return value


def _check_fields(submission: Submission, record: KindRecord) -> None:
    if submission.at is not None and submission.delay is not None:
        raise refuse("invalid_frame", "give `at` or `delay`, not both", field="/at")
    if submission.at is not None and submission.at > datetime.now(UTC) + timedelta(seconds=YEAR_S):
        raise refuse("invalid_frame", f"`at` is more than a year ({YEAR_S} s) ahead", field="/at", limit=YEAR_S)
    for name, asked, served in (
        ("queue", submission.queue, (record.queue,)),
        ("tier", submission.tier, record.tiers),
    ):
        if asked is not None and asked not in served:
            raise refuse(
                "invalid_frame",
                f"{record.kind} is served in the {name} {' or '.join(map(repr, served))}, not in {asked!r}",
                field=f"/{name}",
            )
    if submission.webhook is not msgspec.UNSET:
        raise refuse("invalid_frame", "this server calls no webhooks; watch the job", field="/webhook")


def _invalid(kind: str, validator: jsonschema_rs.Validator, value: Any) -> ProblemError:
    every = chain.from_iterable(map(_findings, validator.iter_errors(value)))
    findings = list(islice(every, MAX_FINDINGS))
    first = findings[0]
    more = f" (and {len(findings) - 1} more, see errors)" if len(findings) > 1 else ""
    return refuse(
        "invalid_input",
        f"{kind}: {first['detail']}{more}",
        field=first["field"],
        errors=findings if len(findings) > 1 else None,
    )


def _findings(error: Any) -> Iterable[dict[str, Any]]:
    """Yield what one validation error says; a missing or unknown field is named by its own place."""
    place: list[str | int] = ["input", *error.instance_path]
    names: list[str] = []
    if error.kind.name == "required":
        names, text = [error.kind.property], "the field {} is missing"
    elif error.kind.name == "additionalProperties":
        names, text = list(error.kind.unexpected), "there is no field {}"
    else:
        text = _shorten(error.message)
    if not names:
        yield {"field": _pointer(place), "detail": text}
    for name in names:
        yield {"field": _pointer([*place, name]), "detail": text.format(_shorten(name))}


def _pointer(place: list[str | int]) -> str:
    """Return the pointer to a place, or to what holds it where its own name is no name for people."""
    return pointer(takewhile(lambda part: len(str(part)) <= MAX_NAME, place))


def _shorten(message: str) -> str:
    """Return a message that may quote the whole input, or the name of a field, in a length for people."""
    return message if len(message) <= 300 else message[:140] + " … " + message[-140:]
