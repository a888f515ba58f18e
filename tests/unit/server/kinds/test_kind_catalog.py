"""The check of inputs in a server: what a worker would read otherwise, or not at all, is refused with its place."""

import datetime as dt
import uuid
from typing import Any

import msgspec
import pytest

from tidings import job
from tidings.protocol.frames.messages import Submission
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import Problem, ProblemError
from tidings_server.kinds.kind_catalog import KindCatalog


@job
async def plan(
    when: dt.datetime | None = None,
    day: dt.date | None = None,
    took: dt.timedelta | None = None,
    owner: uuid.UUID | int | None = None,
    seats: dict[int, str] | None = None,
    photo: bytes | None = None,
) -> None: ...


def refused(**fields: Any) -> Problem:
    submission = Submission(kind="plan", input=msgspec.Raw(msgspec.json.encode(fields)))
    with pytest.raises(ProblemError) as error:
        KindCatalog([plan.record()]).check(submission)
    return error.value.problem


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"when": "2024"}, "/input/when"),
        ({"when": "2024-01-01"}, "/input/when"),
        ({"day": "null"}, "/input/day"),
        ({"took": "3600"}, "/input/took"),
        ({"owner": "123"}, "/input/owner"),
        ({"seats": {"1.0": "a"}}, "/input/seats"),
        ({"photo": "!"}, "/input/photo"),
    ],
)
def test_a_text_that_only_leniency_would_read_is_refused_at_its_field(fields: dict[str, Any], field: str) -> None:
    problem = refused(**fields)
    assert (problem.code, problem.field) == ("invalid_input", field)


def test_the_refusal_says_how_it_is_written() -> None:
    @job
    async def plan(when: dt.datetime, day: dt.date) -> None: ...

    submission = Submission(kind="plan", input=msgspec.Raw(b'{"when":"2024","day":"1.2.2024"}'))
    with pytest.raises(ProblemError) as error:
        KindCatalog([plan.record()]).check(submission)
    assert "must be written as in 2026-12-24" in refused(day="null").detail  # of the alternatives null is not meant
    details = [one["detail"] for one in error.value.problem.errors or ()]
    assert any("must be written as in 2026-12-24T18:00:00Z" in detail for detail in details)
    assert any("must be written as in 2026-12-24" in detail for detail in details)


def test_a_kind_that_is_as_before_keeps_its_validator() -> None:
    before = KindCatalog([plan.record()])
    after = KindCatalog(
        [plan.record(), KindRecord(kind="other", input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"null"))], before
    )
    assert after._kinds["plan"] is before._kinds["plan"]
    assert set(after.records) == {"plan", "other"}


def test_a_pattern_with_lookaround_has_bounded_steps() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?=a)(a+)+b*$"}}}
    record = KindRecord(kind="k", input=msgspec.Raw(msgspec.json.encode(schema)), result=msgspec.Raw(b"null"))
    kinds = KindCatalog([record])
    with pytest.raises(ProblemError):
        kinds.check(Submission(kind="k", input=msgspec.Raw(msgspec.json.encode({"a": "a" * 100_000 + "!"}))))
