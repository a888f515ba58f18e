"""What a change of a schema lets pass, is accepted: no value that the old schema allows is refused by the new one."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidings.compatibility.containment import Containment, closed, containment
from tidings.compatibility.differences import differences

NAMES = st.sampled_from(["a", "b", "c"])
WORDS = st.sampled_from(["", "x", "xy", "xyz"])
NUMBERS = st.integers(-3, 3)


def bounded(least: str, most: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={least: st.integers(0, 1), most: st.integers(2, 3)})


LEAVES = st.one_of(
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"type": "number"}]),
    st.lists(st.one_of(WORDS, NUMBERS, st.none()), min_size=1, max_size=3).map(lambda values: {"enum": values}),
    bounded("minimum", "maximum").map(lambda rest: {"type": "integer", **rest}),
    bounded("minLength", "maxLength").map(lambda rest: {"type": "string", **rest}),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(NAMES, inner, max_size=3)
    return st.builds(
        lambda properties, required, rest: {
            "type": "object",
            "properties": properties,
            "required": sorted(required & properties.keys()),
            **rest,
        },
        fields,
        st.sets(NAMES),
        st.sampled_from([{}, {"additionalProperties": False}]),
    )


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        objects(inner),
        inner.map(lambda items: {"type": "array", "items": items}),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: {"anyOf": some}),
    ),
    max_leaves=5,
)


PLAIN: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "null": lambda _: st.none(),
    "boolean": lambda _: st.booleans(),
    "number": lambda _: st.one_of(st.floats(-3, 3), NUMBERS),
    "integer": lambda schema: st.integers(schema.get("minimum", -3), schema.get("maximum", 5)),
    "string": lambda schema: st.text("xy", min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 5)),
}


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a schema allows, without fields that it does not name."""
    if "anyOf" in schema:
        return st.one_of([values_of(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] in PLAIN:
        return PLAIN[schema["type"]](schema)
    if schema["type"] == "array":
        return st.lists(values_of(schema["items"]), max_size=2)
    fields = {name: values_of(part) for name, part in schema["properties"].items()}
    required = {name: fields.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(required, optional=fields)


def near(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return schemas that differ little from one."""
    text = msgspec.json.encode(schema).decode()
    changes = [("integer", "number"), ('"required":["a"]', '"required":[]'), ('"required":[]', '"required":["a"]')]
    changed = [text.replace(old, new) for old, new in changes if old in text]
    near_ones = [msgspec.json.decode(one) for one in changed]
    return st.one_of(st.just(schema), SCHEMAS, *([st.sampled_from(near_ones)] if near_ones else []))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_value_is_refused_that_was_accepted_where_nothing_is_found(data: st.DataObject) -> None:
    old = data.draw(SCHEMAS)
    new = data.draw(near(old))
    value = data.draw(values_of(old))
    assert jsonschema_rs.is_valid(closed(old), value)
    if differences(old, new) and containment(old, new) is not Containment.YES:
        return
    assert jsonschema_rs.is_valid(new, value)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_engine_and_the_rules_agree_on_what_is_sound(data: st.DataObject) -> None:
    old = data.draw(SCHEMAS)
    new = data.draw(near(old))
    answer = containment(old, new)
    assume(answer is not Containment.UNKNOWN)
    if not differences(old, new):
        assert answer is Containment.YES


@settings(max_examples=200, deadline=None)
@given(SCHEMAS)
def test_a_schema_differs_nowhere_from_itself(schema: dict[str, Any]) -> None:
    assert differences(schema, {**schema, "title": "the same"}) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"enum": [-1]}, {"type": "integer", "minimum": 0}),
        ({"enum": [5]}, {"type": "integer", "exclusiveMaximum": 5}),
        ({"enum": ["x"]}, {"type": "string", "minLength": 2}),
        ({"enum": ["", 1]}, {"anyOf": [{"type": "string"}, {"enum": [0]}]}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"enum": [0]}]}),
    ],
)
def test_single_values_are_held_to_bounds_and_each_type_to_its_own_alternative(old: Any, new: Any) -> None:
    assert containment(old, new) is Containment.NO
    assert differences(old, new)
