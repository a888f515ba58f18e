"""What a server accepts, a worker decodes to the value that strict decoding gives; anything else a server refuses."""

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import itertools
import math
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidings import Job, job
from tidings.schema.validation import compile_schema


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Struct(msgspec.Struct):
    when: dt.datetime | None = None
    count: int = 0
    share: float = 0.0
    either: int | float = 0


class Left(msgspec.Struct, tag="left"):
    value: int


class Right(msgspec.Struct, tag="right"):
    value: float


class Row(msgspec.Struct, array_like=True):
    day: dt.date
    count: int


class Pair(NamedTuple):
    id: uuid.UUID
    number: int


@dataclasses.dataclass
class Data:
    took: dt.timedelta
    count: int


class Typed(TypedDict):
    at: dt.time
    count: int


class Model(pydantic.BaseModel):
    when: dt.datetime | None = None
    aware: pydantic.AwareDatetime | None = None
    naive: pydantic.NaiveDatetime | None = None
    day: dt.date | None = None
    at: dt.time | None = None
    took: dt.timedelta | None = None
    id: uuid.UUID | int | None = None
    random: pydantic.UUID4 | None = None
    price: decimal.Decimal | None = None
    count: int = 0
    share: float = 0.0
    table: dict[int, int] = {}
    shares: dict[float, int] = {}
    days: dict[dt.date, int] = {}
    raw: pydantic.Base64Bytes | None = None
    text: pydantic.Json[Any] | None = None


TYPES: list[Any] = [
    int, float, bool, str, bytes, dt.datetime, dt.date, dt.time, dt.timedelta, uuid.UUID, decimal.Decimal, Colour, Size,
    Annotated[dt.datetime, msgspec.Meta(tz=True)], Annotated[dt.datetime, msgspec.Meta(tz=False)],
    Annotated[dt.time, msgspec.Meta(tz=True)], Annotated[dt.time, msgspec.Meta(tz=False)],
    int | None, int | float, uuid.UUID | int, dt.date | None, dt.datetime | int, dt.date | float | None, bytes | int,
    decimal.Decimal | int, Colour | int, Literal[1, 2], Literal["a", 1] | None, int | str, float | str | None,
    list[int], list[int | float], set[int], tuple[int, float], tuple[dt.date, ...], list[list[int]],
    frozenset[uuid.UUID],
    dict[str, int], dict[int, int], dict[float, int], dict[uuid.UUID, int], dict[dt.date, int], dict[dt.datetime, int],
    dict[Size, int], dict[Colour, int], dict[Literal[1, 2], int], dict[bytes, int],
    dict[int | str, int], dict[str, dict[int, dt.date]], Struct, Left | Right, list[Left | Right], Left | Right | None,
    Left | Right | int, Struct | None, Struct | int, Row, Pair, Data, Typed, list[Struct], Any, dict[str, Any], Model,
    list[Model], dict[str, Model], msgspec.Raw,
]  # fmt: skip

TEXT_LIST = [
        "", "null", "true", "1", "123", "1.0", "-1", "01", "+1", " 1", "1_0", "1e3", "2024", "1.5", "NaN", "Infinity",
        "-0",
        "2024-01-01", "2024-1-1", "2024-02-30", "20240101", "2024-01-01T00:00:00", "2024-01-01 00:00:00",
        "2024-01-01T00:00", "2024-01-01T00:00:00Z", "2024-01-01t00:00:00z", "2024-01-01T00:00:00.1234567+01:00",
        "2024-01-01T00:00:00+0100", "2024-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00-23:59", "2024-01-01T00:00:00\n", "2024-01-01T00:00:00+24:00", "1704067200",
        "12:00:00", "12:00", "12:00:00Z", "12:00:00.5+01:00", "24:00:00", "12:00:00.1234567", "P1D", "p1d", "-P1D",
        "+P1D",
        "P1W", "P1M", "PT1.5H", "PT", "P", "PT1H30M", "P1DT", "P1.5D", "PT1,5S", "3600", "P99999999999D",
        "PT1.1234567S",
        "PT1.5H1M", "PT1M1H", "00000000-0000-0000-0000-000000000005", "0" * 32,
        "{00000000-0000-0000-0000-000000000005}",
        "urn:uuid:00000000-0000-0000-0000-000000000005", "3f2b8a52-1f4e-4c3a-9d2e-0a1b2c3d4e5f", "0" * 31, "YQ==", "YQ",
        "YR==", "YQ==\n", "Y Q=", "!!!!", "YWJj", "red", "RED", "blue", "left", "a", "1e400", "9" * 30, "{}", "{", "é",
]  # fmt: skip
TEXTS = st.sampled_from(TEXT_LIST)
NUMBER_LIST: list[float] = [
    *(0, 1, 2, 3, -1, 123, 2024, 1.0, 2.0, 3.0, -0.0, 1.5, 1e3, 1e300, -1e300, 1e-5),
    *(2**53, 2**63, 2**64, 2**70, 10**100),
]
NUMBERS = st.sampled_from(NUMBER_LIST)
SIMPLE = st.none() | st.booleans() | NUMBERS | TEXTS
NAMES = TEXTS | st.sampled_from(
    ["type", "value", "when", "count", "share", "either", "took", "at", "id", "day", "table", "price", "aware", "naive"]
)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.fixed_dictionaries({"type": st.sampled_from(["left", "right"]), "value": inner})
        | st.fixed_dictionaries({"took": inner, "count": inner})
        | st.fixed_dictionaries({"at": inner, "count": inner})
    ),
    max_leaves=6,
)


@cache
def kind_of(type_: Any) -> tuple[Job[Any, Any], Any]:
    """Return a kind with a field of a type, and what checks its inputs in a server."""

    async def handler(value: Any) -> None: ...

    handler.__annotations__["value"] = list[type_]  # no object: it is a field of the input in any case
    kind = job(handler)
    return kind, compile_schema(msgspec.json.decode(msgspec.json.encode(kind.input.schema)))


def check(type_: Any, value: Any) -> bool:
    """Have one input checked as a server does, and decoded as a worker does; return whether it was accepted."""
    kind, validator = kind_of(type_)
    raw = msgspec.json.encode({"value": [value]})
    if not validator.is_valid(msgspec.json.decode(raw)):
        return False
    (found,) = kind.input.arguments(raw)["value"]
    decode = read_model if type_ is Model else functools.partial(msgspec.json.decode, type=type_)
    if type_ not in (list[Model], dict[str, Model], msgspec.Raw):
        try:
            expected = decode(msgspec.json.encode(value))
        except ValueError:
            expected = _first_decoded(decode, _wholes(value))
        assert repr(found) == repr(expected)
    return True


def read_model(raw: bytes) -> Model:
    return Model.model_validate_json(raw, strict=True)


def _wholes(value: Any) -> Iterator[Any]:
    """Yield a value with its whole numbers as integers; a negative zero, which no integer is, first as it is."""
    if isinstance(value, float) and value.is_integer():
        if value == 0 and math.copysign(1, value) < 0:
            yield value
        yield int(value)
    elif isinstance(value, dict):
        for inner in itertools.product(*map(_wholes, value.values())):
            yield dict(zip(value, inner, strict=True))
    elif isinstance(value, list):
        yield from map(list, itertools.product(*map(_wholes, value)))
    else:
        yield value


def _first_decoded(decode: Callable[[bytes], Any], values: Iterator[Any]) -> Any:
    """Return the first of some values that decodes; if none does, raise what the last one came to."""
    refused: ValueError | None = None
    for value in values:
        try:
            return decode(msgspec.json.encode(value))
        except ValueError as error:
            refused = error
    assert refused is not None
    raise refused


@pytest.mark.parametrize("type_", TYPES, ids=repr)
@settings(max_examples=25)
@given(value=VALUES)
@example(value=[1.0, -0.0])
@example(value=[-0.0, -0.0])
def test_what_a_server_accepts_a_worker_decodes_strictly(type_: Any, value: Any) -> None:
    check(type_, value)


@pytest.mark.parametrize("type_", TYPES, ids=repr)
def test_every_text_and_number_alone_and_as_a_name(type_: Any) -> None:
    accepted = 0
    value: Any
    for value in [*TEXT_LIST, *NUMBER_LIST, None, True, [], {}]:
        accepted += check(type_, value)
        accepted += isinstance(value, str) and check(type_, {value: 1.0})
        if type_ is Model:
            accepted += sum(check(type_, {field: value}) for field in Model.model_fields)
            accepted += sum(check(type_, {field: {str(value): 1}}) for field in ("table", "shares", "days"))
    assert accepted or type_ in COMPOUND


COMPOUND = (Left | Right, tuple[int, float], Row, Pair, Data, Typed)
"""Types of which none of these is a value."""


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (dt.datetime, "2024"), (dt.date | None, "null"), (uuid.UUID | int, "123"), (int, "1"), (bool, "true"),
        (dt.datetime, 2024), (dt.timedelta, "3600"), (dt.timedelta, 3600), (bytes, "YQ"), (decimal.Decimal, "NaN"),
        (dict[int, int], {"01": 1}), (dict[uuid.UUID, int], {"1": 1}), (Size, "1"), (dict[Size, int], {"3": 1}),
        (Model, {"when": "2024"}), (Model, {"id": "123"}), (Model, {"table": {"1_0": 1}}), (Model, {"price": "NaN"}),
        (Model, {"text": "{"}), (Model, {"naive": "2024-01-01T00:00:00Z"}), (Model, {"aware": "2024-01-01T00:00:00"}),
        (int, 1.5), (int | None, 1e-5), (Literal[1, 2], 3.0),
    ],
    ids=repr,
)  # fmt: skip
def test_what_only_leniency_would_read_is_refused(type_: Any, value: Any) -> None:
    assert not check(type_, value)


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (int, 3.0, 3), (int | float, 3.0, 3.0), (float, 3, 3.0), (Any, 3.0, 3.0), (list[int], [1.0, 2], [1, 2]),
        (Literal[1, 2], 1.0, 1), (int | str, 1e3, 1000), (dict[int, int], {"1": 2.0}, {1: 2}), (int, 2**70, 2**70),
        (Struct, {"count": 2.0, "share": 2, "either": 2.0}, Struct(count=2, share=2.0, either=2.0)),
        (Left | Right, {"type": "left", "value": 1.0}, Left(1)), (Left | Right, {"type": "right", "value": 1.0},
        Right(1.0)),
        (tuple[int, float], [1.0, 1.0], (1, 1.0)), (Size, 2.0, Size.LARGE), (Model, {"count": 2.0}, Model(count=2)),
        (dt.time, "12:00:00", dt.time(12)),
        (dt.datetime, "2024-01-01T00:00:00", dt.datetime.fromisoformat("2024-01-01")),
        (dict[int, dict[str, int]], {"7": {"a": 1.0}}, {7: {"a": 1}}), (bytes, "YQ==", b"a"),
    ],
    ids=repr,
)  # fmt: skip
def test_whole_numbers_are_integers_where_only_an_integer_fits(type_: Any, value: Any, expected: Any) -> None:
    kind, validator = kind_of(type_)
    raw = msgspec.json.encode({"value": [value]})
    assert validator.is_valid(msgspec.json.decode(raw))
    (found,) = kind.input.arguments(raw)["value"]
    assert repr(found) == repr(expected)
