from typing import Any

import msgspec
import pytest

from tidings.protocol.decoding.json_pointer import json_pointer, split_msgspec


class Inner(msgspec.Struct):
    n: int


class Outer(msgspec.Struct):
    items: list[Inner]
    names: dict[str, int]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"items": [{"n": 1}, {"n": "x"}], "names": {}}, "/items/1/n"),
        ({"items": 3, "names": {}}, "/items"),
        ({"items": [], "names": {"a": "b"}}, "/names/..."),
        ([], ""),
    ],
)
def test_msgspec_s_path_becomes_a_json_pointer(value: Any, where: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(value), type=Outer)
    what, found = split_msgspec(str(caught.value))
    assert found == where
    assert "$" not in what


def test_pointer_escapes_as_rfc_6901_says() -> None:
    assert json_pointer(["a/b", "m~n", 0]) == "/a~1b/m~0n/0"
    assert json_pointer([]) == ""
