"""What `@job` takes for tiers, limits and degradation, what it refuses, and what becomes of it as data."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import Job, JobDefinitionError, by_field, by_size, job
from tidings.protocol.kinds.kind_record import decode_kind, encode_kind
from tidings.protocol.kinds.tier_rule import TierRule
from tidings.store.jobs.job_store import QueueingTerms
from tidings.store.jobs.queueing_terms import SHED_PROBLEM, KindTerms
from tidings_worker.loading.loader import LoadError, load_jobs


class Order(msgspec.Struct):
    rows: list[int]
    note: str = ""


async def report(rows: int, tenant: str = "x", order: Order | None = None, tags: dict[str, int] = {}) -> None:  # noqa: B006
    """Takes some fields."""


def conditions(function: Callable[..., Any] = report, **options: Any) -> KindTerms:
    """Return the conditions of a kind as a server knows them: from its record, as bytes."""
    made: Job[..., Any] = job(**options)(function)
    return KindTerms(decode_kind(encode_kind(made.record())))


def test_a_tier_may_go_by_the_size_of_the_input() -> None:
    made = conditions(tier=by_size(above=100, then="heavy", otherwise="fast"))
    assert (made.tier({}, 100), made.tier({}, 101)) == ("fast", "heavy")


@pytest.mark.parametrize(
    ("value", "tier"),
    [
        ({"rows": 10_000}, "fast"),
        ({"rows": 10_001}, "heavy"),
        ({"rows": 10_000.5}, "heavy"),
        ({"rows": None}, "fast"),
        ({"rows": True}, "fast"),
        ({}, "fast"),
        ({"rows": "x" * 10_001}, "heavy"),
        ({"rows": [0] * 10_001}, "heavy"),
    ],
)
def test_a_tier_may_go_by_a_field(value: dict[str, Any], tier: str) -> None:
    made = conditions(tier=by_field("rows", above=10_000, then="heavy", otherwise="fast"))
    assert made.tier(value, 1) == tier


def test_a_field_may_lie_deep() -> None:
    made = conditions(tier=by_field("/order/rows", above=2, then="heavy"))
    assert made.tier({"order": {"rows": [1, 2, 3]}}, 1) == "heavy"
    assert made.tier({"order": None}, 1) == "standard"
    assert conditions(tier=by_field("/tags/any", above=2, then="heavy")).tier({"tags": {"any": 3}}, 1) == "heavy"


def test_a_deep_field_must_be_there_too() -> None:
    async def one(order: Order, rows: int) -> None: ...

    with pytest.raises(
        JobDefinitionError, match="'/order/nope', which the input does not have; its fields: rows, note"
    ):
        job(tier=by_field("/order/nope", above=1, then="heavy"))(one)


def test_a_tier_that_is_asked_for_wins() -> None:
    made = conditions(tier=by_size(above=1, then="heavy", otherwise="fast"))
    assert made.tier({}, 100, "fast") == "fast"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_the_input_there_is_a_tier(value: Any) -> None:
    rule = TierRule(field="/a/0/b", above=3, then="heavy", otherwise="fast")
    assert rule.tier({"a": value}, 1) in ("heavy", "fast")
    assert rule.tier({"a": [{"b": value}]}, 1) in ("heavy", "fast")


def test_a_kind_names_all_its_tiers() -> None:
    made = job(tier=by_size(above=1, then="heavy"))(report)
    assert made.tiers == made.record().tiers == ("standard", "heavy")
    assert made.tier == "standard"


def test_a_limit_may_go_by_a_field_or_several() -> None:
    assert conditions(limit=4).limit({"rows": 1}) == "report"
    assert conditions(limit=4, limit_by="tenant").limit({"rows": 1, "tenant": "a"}) == 'report:"a"'
    assert conditions(limit=4, limit_by="tenant").limit({"rows": 1}) == 'report:"x"'
    assert conditions(limit=4, limit_by="{tenant}/{rows}").limit({"rows": 1, "tenant": "a"}) == 'report:"a"/1'
    long = conditions(limit=4, limit_by="tenant").limit({"rows": 1, "tenant": "a" * 10_000})
    assert len(long) == len("report:") + 40


def test_plain_kinds_have_no_terms() -> None:
    assert conditions().terms({"rows": 1}, 5) is False
    assert conditions(rate=5).terms({"rows": 1}, 0) is False
    assert conditions(max_eta=2, when_busy="shed").terms({"rows": 1}, 5) == QueueingTerms(
        "", 5, 2000, SHED_PROBLEM, False
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tier": lambda _: "heavy"}, "tier is a function; a server chooses the tier of a job"),
        ({"tier": 3}, "tier is 3; it must be a name, by_size(…) or by_field(…)"),
        ({"tier": "Heavy!"}, "tier"),
        ({"tier": by_size(above=1, then="No tier")}, "route.then"),
        (
            {"tier": by_field("nope", above=1, then="heavy")},
            "'/nope', which the input does not have; its fields: rows, ",
        ),
        ({"limit": 0}, "limit is 0; it must be 1 to 10000"),
        ({"limit": 10_001}, "limit is 10001"),
        ({"limit_by": "tenant"}, "limit_by says nothing without limit"),
        ({"limit": 1, "limit_by": ""}, "limit_by is empty"),
        ({"limit": 1, "limit_by": "nope"}, "names 'nope', which the input does not have; its fields: rows, tenant"),
        ({"rate": 0}, "rate is 0; allowed: above 0"),
        ({"rate": 1, "rate_per": 100_000}, "rate_per is 100000 s; allowed: above 0, at most a day"),
        ({"max_eta": 0}, "max_eta is 0 s"),
        ({"max_eta": 1, "when_busy": "panic"}, "when_busy is 'panic'; it must be 'refuse' or 'shed'"),
        ({"when_busy": "shed"}, "say nothing without max_eta"),
        ({"fallback": "cheap"}, "say nothing without max_eta"),
        ({"max_eta": 1, "fallback": "cheap", "when_busy": "shed"}, "are both given"),
        ({"max_eta": 1, "fallback": "report"}, "fallback is the kind itself"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(options: dict[str, Any], says: str) -> None:
    with pytest.raises(JobDefinitionError) as refused:
        job(**options)(report).record()
    assert says in str(refused.value)
    assert str(refused.value).startswith("job report: ")


@pytest.mark.parametrize(
    ("fallback", "says"),
    [
        ("nope", "job dear: its fallback 'nope' is not among the kinds here: cheap, dear"),
        ("cheap", "job dear: its fallback 'cheap' is in the queue 'other', not in 'default'"),
    ],
)
def test_a_fallback_that_no_worker_could_run_is_refused_at_the_start(tmp_path: Any, fallback: str, says: str) -> None:
    name = f"fallback_{fallback}"
    (tmp_path / f"{name}.py").write_text(
        "from tidings import job\n"
        f"@job(max_eta=1, fallback={fallback!r})\nasync def dear() -> None: ...\n"
        "@job(queue='other')\nasync def cheap() -> None: ...\n"
    )
    with pytest.raises(LoadError, match="fallback") as refused:
        load_jobs([str(tmp_path / f"{name}.py")])
    assert says in str(refused.value)
