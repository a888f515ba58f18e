"""The schemas of tools: an object at the root, that says of results what the kind says."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_server.mcp.tool_schema import ResultForm, input_schema, output_schema, structured


class Leaf(msgspec.Struct):
    value: int


class Tree(msgspec.Struct):
    leaf: Leaf
    children: list["Tree"] = []


class Unused(msgspec.Struct):
    text: str


@pytest.mark.parametrize("type_", [Leaf, Tree, Unused])
def test_the_root_is_an_object_and_keeps_what_it_refers_to(type_: Any) -> None:
    schema = msgspec.json.schema(type_)
    made = input_schema(schema)
    assert made["type"] == "object"
    assert "$ref" not in made
    assert set(made.get("$defs", {})) == ({"Leaf", "Tree"} if type_ is Tree else set())
    for value in ({"value": 1}, {"leaf": {"value": 1}, "children": [{"leaf": {"value": 2}}]}, {"leaf": 1}, {}):
        assert jsonschema_rs.is_valid(made, value) == jsonschema_rs.is_valid(schema, value)


@given(st.sampled_from([int, str, list[Leaf], Leaf | None, dict[str, int], Leaf, Tree, bool]), st.data())
def test_a_result_that_fits_its_kind_fits_its_tool(type_: Any, data: st.DataObject) -> None:
    schema = msgspec.json.schema(type_)
    made, shape = output_schema(schema)
    values = [1, "a", None, True, [{"value": 1}], {"a": 1}, {"value": 2}, {"leaf": {"value": 1}}]
    value = data.draw(st.sampled_from(values))
    assert made is not None
    assert made["type"] == "object"
    content = structured(value, shape)
    if jsonschema_rs.is_valid(schema, value):
        assert jsonschema_rs.is_valid(made, content)
    elif content is not None:
        assert not jsonschema_rs.is_valid(made, content)


@pytest.mark.parametrize("schema", [None, {}])
def test_a_kind_that_says_nothing_of_its_result_promises_nothing(schema: dict[str, Any] | None) -> None:
    assert output_schema(schema) == (None, ResultForm.UNTOLD)
    assert structured({"a": 1}, ResultForm.UNTOLD) == {"a": 1}
    assert structured([1], ResultForm.UNTOLD) is None


def test_a_reference_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="does not have"):
        input_schema({"$ref": "#/$defs/Absent"})
