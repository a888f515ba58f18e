"""What JSON would lose of a value is refused with its place, and nothing else is."""

import dataclasses
import datetime as dt
import decimal
import enum
import math
import re
import uuid
from collections import OrderedDict
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.schema.codec import encode, encode_chunk, encode_progress


class Struct(msgspec.Struct):
    share: float = 0.0
    table: Any = None


@dataclasses.dataclass
class Data:
    share: float


class Model(pydantic.BaseModel):
    share: float = 0.0
    table: dict[Any, int] = {}


class Tolerant(pydantic.BaseModel):
    share: float

    @pydantic.field_serializer("share")
    def said(self, share: float) -> float | None:
        return None if math.isnan(share) else share


class Colour(enum.Enum):
    RED = "red"


DEEP: Any = []
for _ in range(300):
    DEEP = [DEEP]

DEEP_OBJECT: Any = {"a": 1}
"""A flat object, in as many lists as are just too many for it."""
for _ in range(201):
    DEEP_OBJECT = [DEEP_OBJECT]

LOST: list[tuple[Any, str]] = [
    (math.nan, "nan at its top"),
    ([1, math.inf], "inf at /1"),
    ({"a": {"b": [0, -math.inf]}}, "-inf at /a/b/1"),
    ({"a/b": {"~": math.nan}}, "nan at /a~1b/~0"),
    ((1, (math.nan,)), "nan at /1/0"),
    (Struct(math.nan), "nan at /share"),
    ([Struct(table={"x": math.nan})], "nan at /0/table/x"),
    (Data(math.inf), "inf at /share"),
    (Model(share=math.nan), "nan at /share"),
    ({1: 1, "1": 2}, "two keys that both become '1' at its top"),
    ({"a": {1.5: 1, "1.5": 2}}, "two keys that both become '1.5' at /a"),
    ({dt.date(2024, 1, 1): 1, "2024-01-01": 2}, "both become '2024-01-01'"),
    ({uuid.UUID(int=1): 1, str(uuid.UUID(int=1)): 2}, "both become '00000000-0000-0000-0000-000000000001'"),
    ({Colour.RED: 1, "red": 2}, "both become 'red'"),
    ({decimal.Decimal("1.0"): 1, "1.0": 2}, "both become '1.0'"),
    (Struct(table={1: 1, "1": 2}), "both become '1' at /table"),
    (Model(table={1: 1, "1": 2}), "both become '1' at /table"),
    (msgspec.Raw(b"{"), "a msgspec.Raw that is no JSON"),
    ({"a": [msgspec.Raw(b"NaN")]}, "at /a/0"),
    ({"a": msgspec.Raw(b'"\xff"')}, "at /a"),
    (Struct(table=msgspec.Raw(b"1 2")), "at /table"),
    (msgspec.Raw(b""), "a msgspec.Raw that is no JSON"),
    ({"a": "\ud800"}, "half of a character (a lone surrogate) at /a"),
    (["ok", "\udfff"], "at /1"),
    ({"a": [object()]}, "a object at /a/0"),
    (DEEP, "more than 200 lists and objects deep"),
    (DEEP_OBJECT, "more than 200 lists and objects deep"),
]

KEPT: list[Any] = [
    None, {"a": None, "b": 1.5}, [None, 1.5], 2**53 + 1, 2**64, -(2**70), {1: 1, "2": 2}, {1: 1, 2: 2}, Struct(),
    Data(1),
    {dt.date(2024, 1, 1): 1}, decimal.Decimal("1.10"), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), uuid.UUID(int=1),
    b"bytes", Colour.RED, {1, 2}, frozenset({"a"}), OrderedDict(a=1), (1, None), Model(), Tolerant(share=math.nan),
    msgspec.Raw(b'{"a": [1, null]}'), Struct(table=msgspec.Raw(b"null")), "null", {"null": "NaN"},
    [[[[1.5, None]]]],
]  # fmt: skip


def name_of(value: object) -> str:
    """Return a name that is the same in every process that collects the tests: without addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:60]


@pytest.mark.parametrize(("value", "says"), LOST, ids=name_of)
def test_what_would_be_lost_is_refused_with_its_place(value: Any, says: str) -> None:
    for refuse in (encode, lambda it: encode_chunk(it, 10**6), lambda it: encode_progress(0, 1, None, it, 10**6)):
        with pytest.raises(TypeError, match="this has no form in JSON") as refused:
            refuse(value)
        if refuse is encode:
            assert says in str(refused.value)


@pytest.mark.parametrize("value", KEPT, ids=name_of)
def test_what_json_keeps_is_written_as_before(value: Any) -> None:
    def hook(model: Any) -> Any:
        return model.model_dump(mode="json")

    try:
        expected = msgspec.json.encode(value, enc_hook=hook)
    except TypeError:
        with pytest.raises(TypeError):
            encode(value)
    else:
        assert encode(value) == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab12", max_size=2) | st.integers(1, 2), inner),
    max_leaves=8,
)


def lossy(value: Any) -> bool:
    if isinstance(value, dict):
        return len({str(key) for key in value}) < len(value) or any(map(lossy, value.values()))
    if isinstance(value, list):
        return any(map(lossy, value))
    return isinstance(value, float) and not math.isfinite(value)


def as_read(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): as_read(inner) for key, inner in value.items()}
    return [as_read(inner) for inner in value] if isinstance(value, list) else value


@given(values)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    if lossy(value):
        with pytest.raises(TypeError):
            encode(value)
    else:
        assert msgspec.json.decode(encode(value)) == as_read(value)
