"""What an author may write, and what the library says to what cannot work."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, TypedDict

import jsonschema_rs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import Context, Job, JobDefinitionError, SyncContext, job
from tidings.declare.policy import JobOptions, Policy


class Point(msgspec.Struct):
    x: int
    y: int = 0


class Size(TypedDict):
    width: int


@dataclasses.dataclass
class Box:
    point: Point
    size: Size


class Model(pydantic.BaseModel):
    boxes: list[int]


@job
async def plain(ctx: Context, carrier: str, limit: Annotated[int, msgspec.Meta(ge=1)] = 3) -> int:
    """Counts.

    More of it.
    """
    return limit


def test_a_job_is_still_the_function_it_was() -> None:
    @job
    def add(a: int, b: int = 2) -> int:
        return a + b

    assert add(1) == 3
    assert add.kind == "add"
    assert add.mode == "thread"
    assert plain.mode == "async"


def test_the_record_tells_what_clients_need() -> None:
    record = plain.record()
    schema = msgspec.json.decode(record.input)
    assert (record.kind, record.queue, record.tier, record.version) == ("plain", "default", "standard", 1)
    assert record.description == "Counts."
    assert schema["$defs"]["plain"]["required"] == ["carrier"]
    assert schema["$defs"]["plain"]["additionalProperties"] is False
    assert msgspec.json.decode(record.result) == {"type": "integer"}


def test_options_are_kept() -> None:
    @job(name="other", version=2, queue="q", tier="t", timeout=5, retries=3, expose_errors=True)
    async def f() -> None: ...

    record = f.record()
    assert (record.kind, record.version, record.queue, record.tier) == ("other", 2, "q", "t")
    assert (record.timeout, record.retries, f.policy.expose_errors) == (5, 3, True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout": 0}, "timeout is 0 s"),
        ({"timeout": -1}, "timeout is -1 s"),
        ({"retries": -1}, "retries is -1"),
        ({"retries": 10**9}, "retries is 1000000000"),
        ({"max_deliveries": 0}, "max_deliveries is 0"),
        ({"cancel_grace": -1}, "cancel_grace is -1 s"),
        ({"unique": ""}, "unique is empty"),
        ({"unique_for": 60}, "unique_for says nothing without unique"),
        ({"every": 0}, "every is 0 s"),
        ({"every": 60, "cron": "* * * * *"}, "every and cron are both given"),
        ({"run_in": "process"}, "takes a plain function"),
        ({"run_in": "space"}, "run_in is 'space'"),
        ({"retry_on": "OSError"}, "retry_on is 'OSError'"),
        ({"retry": 3}, "retry"),
        ({"name": "a b"}, "kind"),
        ({"queue": "A"}, "queue"),
        ({"tier": ""}, "tier"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    async def f() -> None: ...

    with pytest.raises(JobDefinitionError, match=says):
        job(**options)(f).record()


def test_the_options_that_may_be_written_are_those_of_the_policy() -> None:
    assert tuple(JobOptions.__annotations__) == Policy.__struct_fields__


def test_a_function_that_cannot_be_a_job_is_refused() -> None:
    async def generator() -> AsyncIterator[int]:
        yield 1

    generator.__annotations__["return"] = int

    def rest(*args: int) -> None: ...

    def by_position(a: int, /) -> None: ...

    def set_of_complex(a: complex) -> None: ...

    for function, says in (
        (generator, r"write `-> AsyncIterator\[str\]`"),
        (Point, "only functions"),
        (rest, "args"),
        (by_position, "a: int"),
        (set_of_complex, "complex"),
    ):
        with pytest.raises(TypeError, match=says):
            job(function)


def one_argument(of: Job[Any, Any], value: Any) -> Any:
    arguments = of.input.arguments(msgspec.json.encode(value))
    (argument,) = arguments.values()
    return argument


def test_a_single_structured_parameter_is_the_whole_input() -> None:
    @job
    def struct(point: Point) -> None: ...

    @job
    def dataclass(box: Box) -> None: ...

    @job
    def typed_dict(ctx: SyncContext, size: Size) -> None: ...

    @job
    def model(model: Model) -> None: ...

    assert one_argument(struct, {"x": 1}) == Point(1)
    assert one_argument(dataclass, {"point": {"x": 1}, "size": {"width": 2}}) == Box(Point(1), {"width": 2})
    assert one_argument(typed_dict, {"width": 1}) == {"width": 1}
    assert one_argument(model, {"boxes": [1]}) == Model(boxes=[1])


def test_structured_parameters_among_others_are_fields() -> None:
    @job
    def f(ctx: SyncContext, model: Model, point: Point, extra: list[int] = []) -> None: ...  # noqa: B006

    arguments = f.input.arguments(b'{"model": {"boxes": []}, "point": {"x": 1}}')
    assert arguments == {"model": Model(boxes=[]), "point": Point(1), "extra": []}
    arguments["extra"].append(1)
    assert f.input.arguments(b'{"model": {"boxes": []}, "point": {"x": 1}}')["extra"] == []
    schema = jsonschema_rs.validator_for(f.input.schema)
    assert not schema.is_valid({"model": {"boxes": ["x"]}, "point": {"x": 1}})


@job
def everything(
    number: int,
    share: float,
    flag: bool,
    name: str,
    choice: Literal["a", "b"],
    maybe: int | None,
    points: list[Point],
    table: dict[str, float],
) -> None: ...


numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False, width=32)
inputs = st.fixed_dictionaries(
    {
        "number": st.integers(-(2**60), 2**60) | st.sampled_from([1.0, 1.5, "1", True, None]),
        "share": numbers | st.sampled_from(["1", None]),
        "flag": st.booleans() | st.sampled_from([0, 1, "true"]),
        "name": st.text() | st.just(1),
        "choice": st.sampled_from(["a", "b", "c", 1]),
        "maybe": st.none() | st.integers(-5, 5) | st.just("x"),
        "points": st.lists(st.fixed_dictionaries({"x": st.sampled_from([1, 2.0, "x"])}), max_size=2),
        "table": st.dictionaries(st.text(max_size=3), st.sampled_from([1, 1.5, "x"]), max_size=2),
    }
)


@given(inputs)
def test_what_the_schema_lets_pass_the_handler_gets(value: dict[str, Any]) -> None:
    """The gateway checks by schema, the worker decodes by type: the second must never refuse the first."""
    schema = jsonschema_rs.validator_for(everything.input.schema)
    text = msgspec.json.encode(value)
    if schema.is_valid(msgspec.json.decode(text)):
        arguments = everything.input.arguments(text)
        assert type(arguments["number"]) is int
        assert arguments["choice"] in ("a", "b")
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(text, type=everything.input.type)
