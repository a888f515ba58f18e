"""Each rule finds the change that it is for, and no change that breaks nothing; the schema engine agrees."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from tidings import job
from tidings.compatibility import containment as module
from tidings.compatibility.containment import Containment, containment
from tidings.compatibility.kind_changes import compare_kind, compare_kinds
from tidings.compatibility.rules import ALLOWED_BY_VERSION, NOTICES, OF_WAYS, RULES
from tidings.protocol.kinds.kind_record import KindRecord

Small = Annotated[int, msgspec.Meta(ge=0, le=10)]
Large = Annotated[int, msgspec.Meta(ge=0, le=100)]
Code = Annotated[str, msgspec.Meta(pattern="^[a-z]+$")]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Open(msgspec.Struct):
    name: str
    note: str | None = None


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Plain(msgspec.Struct):
    name: str


class Nested(msgspec.Struct):
    items: list[Open]


class NestedPlain(msgspec.Struct):
    items: list[Plain]


def taking(hint: Any, *, default: Any = ..., name: str = "field") -> KindRecord:
    """Return the record of a kind whose input has a field."""

    async def kind(**_: Any) -> None: ...

    import inspect  # noqa: PLC0415

    parameters = [inspect.Parameter("always", inspect.Parameter.KEYWORD_ONLY, annotation=int)]
    annotations: dict[str, Any] = {"always": int, "return": None}
    if hint is not None:
        empty = inspect.Parameter.empty
        parameters.append(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=empty if default is ... else default, annotation=hint
            )
        )
        annotations[name] = hint
    kind.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    kind.__annotations__ = annotations
    return job(kind).record()


def giving(hint: Any) -> KindRecord:
    """Return the record of a kind with a result."""

    async def kind() -> None: ...

    kind.__annotations__ = {"return": hint} if hint is not ... else {}
    return job(kind).record()


BROKEN: dict[str, list[tuple[KindRecord, KindRecord, str]]] = {
    "input_field_required": [
        (taking(None), taking(str), "/field"),
        (taking(str, default="x"), taking(str), "/field"),
    ],
    "input_field_gone": [(taking(str, default="x"), taking(None), "/field")],
    "input_type_narrowed": [
        (taking(str | int), taking(str), "/field"),
        (taking(float), taking(int), "/field"),
        (taking(str | None, default=None), taking(str, default=""), "/field"),
        (taking(list[str | int]), taking(list[str]), "/field/*"),
        (taking(dict[str, float]), taking(dict[str, int]), "/field/*"),
        (taking(str), taking(list[str]), "/field"),
    ],
    "input_enum_shortened": [
        (taking(Literal["a", "b"]), taking(Literal["a"]), "/field"),
        (taking(str), taking(Colour), "/field"),
    ],
    "input_bound_tightened": [
        (taking(Large), taking(Small), "/field"),
        (taking(int), taking(Small), "/field"),
        (taking(str), taking(Annotated[str, msgspec.Meta(max_length=5)]), "/field"),
    ],
    "input_form_changed": [(taking(str), taking(Code), "/field")],
    "result_field_gone": [
        (giving(Open), giving(dict[str, str]), "/name"),
        (giving(Nested), giving(dict[str, int]), "/items"),
    ],
    "result_field_added": [(giving(Strict), giving(Open), "/note")],
    "result_type_widened": [(giving(int), giving(int | None), ""), (giving(int), giving(float), "")],
    "result_enum_extended": [(giving(Literal["a"]), giving(Literal["a", "b"]), "")],
    "result_bound_loosened": [(giving(Small), giving(Large), "")],
    "result_form_changed": [(giving(Code), giving(str), "")],
    "result_undeclared": [(giving(int), giving(...), "")],
}
"""Rule → a kind before and after a change that it must find, and where."""


def yielding(of: KindRecord) -> KindRecord:
    """Return the record of a generator that yields what another kind gives."""
    chunk = msgspec.UNSET if of.result == b"null" else of.result
    return msgspec.structs.replace(of, result=msgspec.Raw(b"null"), chunk=chunk)


BROKEN |= {
    rule.replace("result_", "chunk_"): [(yielding(old), yielding(new), pointer) for old, new, pointer in cases]
    for rule, cases in BROKEN.items()
    if rule.startswith("result_")
}

CASES = [(rule, *case) for rule, cases in BROKEN.items() for case in cases]

SOUND: list[tuple[KindRecord, KindRecord]] = [
    (taking(None), taking(str, default="x")),
    (taking(str), taking(str, default="x")),
    (taking(str), taking(str | int)),
    (taking(int), taking(float)),
    (taking(Literal["a"]), taking(Literal["a", "b"])),
    (taking(Literal["a", "b"]), taking(str)),
    (taking(Small), taking(Large)),
    (taking(Code), taking(str)),
    (taking(Plain), taking(Open)),
    (taking(NestedPlain), taking(Nested)),
    (taking(Plain | None, default=None), taking(Open | None, default=None)),
    (taking(Colour), taking(Literal["red", "blue", "green"])),
    (giving(int | None), giving(int)),
    (giving(float), giving(int)),
    (giving(Literal["a", "b"]), giving(Literal["a"])),
    (giving(Plain), giving(Open)),
    (giving(NestedPlain), giving(Nested)),
    (giving(Large), giving(Small)),
    (giving(...), giving(int)),
    (yielding(giving(int | None)), yielding(giving(int))),
    (yielding(giving(Plain)), yielding(giving(Open))),
    (yielding(giving(...)), yielding(giving(int))),
]
"""Changes that break nothing."""


@pytest.mark.parametrize(("rule", "old", "new", "pointer"), CASES)
def test_each_rule_finds_its_change_at_its_place(rule: str, old: KindRecord, new: KindRecord, pointer: str) -> None:
    changes = compare_kind(old, new)
    assert (rule, "breaking", pointer) in [(one.rule, one.level, one.pointer) for one in changes]
    for one in changes:
        assert RULES[one.rule].advice in one.text
        assert one.breaks == RULES[one.rule].breaks


@pytest.mark.parametrize(("old", "new"), SOUND)
def test_a_change_that_breaks_nothing_is_none(old: KindRecord, new: KindRecord) -> None:
    assert compare_kind(old, new) == []


@pytest.mark.parametrize(("rule", "old", "new", "pointer"), CASES)
def test_the_rules_need_no_engine(
    monkeypatch: pytest.MonkeyPatch, rule: str, old: KindRecord, new: KindRecord, pointer: str
) -> None:
    without_engine(monkeypatch)
    assert (rule, pointer) in [(one.rule, one.pointer) for one in compare_kind(old, new)]


@pytest.mark.parametrize(("old", "new"), SOUND)
def test_without_the_engine_a_change_that_breaks_nothing_is_none_either(
    monkeypatch: pytest.MonkeyPatch, old: KindRecord, new: KindRecord
) -> None:
    without_engine(monkeypatch)
    assert compare_kind(old, new) == []


def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.compatibility.kind_changes.containment", lambda *_: Containment.UNKNOWN)


def test_every_rule_has_a_change_here_or_below() -> None:
    elsewhere = {
        "queue_changed",
        "upcast_missing",
        "version_lowered",
        "kind_gone",
        "input_narrowed",
        "result_widened",
        "chunk_widened",
    }
    assert set(RULES) == {*BROKEN, *elsewhere}
    assert set(OF_WAYS.values()) <= set(RULES)
    assert ALLOWED_BY_VERSION | NOTICES | {"kind_gone"} == set(RULES)


def versioned(record: KindRecord, version: int, oldest: int | None = None, **fields: Any) -> KindRecord:
    return msgspec.structs.replace(record, version=version, oldest_version=oldest or version, **fields)


def test_a_raised_version_allows_what_breaks_otherwise() -> None:
    old, new = taking(str | int), taking(str)
    (change,) = compare_kind(old, versioned(new, 2, 1))
    assert (change.rule, change.level) == ("input_type_narrowed", "allowed")


def test_a_version_without_an_upcast_is_told() -> None:
    old = taking(str)
    assert [(one.rule, one.level) for one in compare_kind(old, versioned(old, 3, 2))] == [("upcast_missing", "notice")]
    assert compare_kind(old, versioned(old, 3, 1)) == []


def test_an_older_version_is_a_deploy_that_is_taken_back() -> None:
    changes = compare_kind(versioned(taking(str), 2), taking(int))
    assert [(one.rule, one.level) for one in changes] == [("version_lowered", "notice")]


def test_another_queue_leaves_what_waits_behind() -> None:
    old = taking(str)
    (change,) = compare_kind(old, msgspec.structs.replace(old, queue="other"))
    assert (change.rule, change.level) == ("queue_changed", "breaking")
    changes = compare_kind(old, versioned(old, 2, 1, queue="other"))
    assert [(one.rule, one.level) for one in changes] == [("queue_changed", "allowed")]


def test_a_kind_that_is_gone_breaks_its_clients_where_the_new_kinds_are_all_there_will_be() -> None:
    old = {"kind": taking(str)}
    assert [(one.rule, one.level) for one in compare_kinds(old, {})] == [("kind_gone", "breaking")]
    assert compare_kinds(old, {}, whole=False) == []
    assert compare_kinds({}, old) == []


def with_schemas(input: dict[str, Any], result: dict[str, Any] | None = None) -> KindRecord:
    return msgspec.structs.replace(
        taking(None), input=msgspec.Raw(msgspec.json.encode(input)), result=msgspec.Raw(msgspec.json.encode(result))
    )


ODD = ({"type": "object", "not": {"required": ["a"]}}, {"type": "object"})


def test_what_no_rule_explains_the_engine_still_finds() -> None:
    assert [one.rule for one in compare_kind(with_schemas(ODD[1]), with_schemas({"not": {}}))] == ["input_narrowed"]
    changes = compare_kind(
        with_schemas({}, {"type": "string", "not": {"const": "a"}}), with_schemas({}, {"type": "string"})
    )
    assert [one.rule for one in changes] == ["result_widened"]
    changes = compare_kind(
        yielding(with_schemas({}, {"type": "string", "not": {"const": "a"}})),
        yielding(with_schemas({}, {"type": "string"})),
    )
    assert [one.rule for one in changes] == ["chunk_widened"]


def test_references_that_lead_nowhere_stop_nothing() -> None:
    assert compare_kind(with_schemas({"$ref": "#/nowhere"}), with_schemas({"$ref": "#/$defs/x"})) == []


def test_schemas_that_hold_themselves_are_compared() -> None:
    class Tree(msgspec.Struct):
        children: list["Tree"]

    schema = msgspec.json.schema(msgspec.defstruct("Tree", [("children", list[int])]))
    assert containment(schema, schema) is Containment.YES
    recursive = {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}}
    longer = {**recursive, "$defs": {"T": {**recursive["$defs"]["T"], "required": ["next"]}}}  # type: ignore[index]
    assert {one.rule for one in compare_kind(with_schemas(recursive), with_schemas(longer))} == {"input_field_required"}


def tree(value: str) -> dict[str, Any]:
    """Return the schema of a binary tree of values of one type."""
    branch = {"anyOf": [{"$ref": "#/$defs/T"}, {"type": "null"}]}
    fields = {"left": branch, "right": branch, "value": {"type": value}}
    return {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": fields, "required": ["value"]}}}


def test_a_schema_that_holds_itself_twice_is_compared_in_no_time() -> None:
    found = compare_kind(with_schemas(tree("integer")), with_schemas(tree("string")))
    assert {one.rule for one in found} == {"input_type_narrowed"}
    assert {"/value", "/left/value"} <= {one.pointer for one in found}
    assert len(found) < 10


def test_a_type_that_stands_in_two_places_is_named_in_both() -> None:
    def parcel(type_: str) -> dict[str, Any]:
        fields = {"from": {"$ref": "#/$defs/Place"}, "to": {"$ref": "#/$defs/Place"}}
        place = {"type": "object", "properties": {"zip": {"type": type_}}}
        return {"type": "object", "properties": fields, "$defs": {"Place": place}}

    found = compare_kind(with_schemas(parcel("string")), with_schemas(parcel("integer")))
    assert [one.pointer for one in found] == ["/from/zip", "/to/zip"]


def test_schemas_without_bounds_are_not_compared() -> None:
    """2^16 alternatives; of 2^60 neither the rules nor the engine would come to an end."""
    doubled = {f"A{n}": {"anyOf": [{"$ref": f"#/$defs/A{n + 1}"}] * 2} for n in range(16)}
    many = {"$ref": "#/$defs/A0", "$defs": {**doubled, "A16": {"type": "null"}}}
    assert compare_kind(with_schemas(many), with_schemas({"type": "string"})) == []
    assert compare_kind(with_schemas({"type": "string"}), with_schemas(many)) == []
    assert compare_kind(with_schemas({}, {"type": "string"}), with_schemas({}, many)) == []


def test_alternatives_that_are_themselves_have_an_end() -> None:
    itself = {"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}]}}}
    found = compare_kind(with_schemas(itself), with_schemas({"type": "null"}))
    assert [one.rule for one in found] == ["input_narrowed"]


def test_an_engine_that_is_not_installed_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins  # noqa: PLC0415

    real: Callable[..., Any] = builtins.__import__

    def refusing(name: str, *args: Any, **options: Any) -> Any:
        if name == "jsonschema_rs":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refusing)
    assert module.containment({"type": "integer"}, {"type": "number"}) is Containment.UNKNOWN
