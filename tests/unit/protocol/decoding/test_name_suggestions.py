"""What a name that is not known was probably meant to be."""

from typing import Annotated

import msgspec
import pytest

from tidings.protocol.decoding.name_suggestions import MAX_NAME, closest_name, explain_unknown_field, name_hint
from tidings.protocol.frames.admin_messages import LetterChoice
from tidings.protocol.frames.messages import Submission, Submit

FIELDS = [field.encode_name for field in msgspec.structs.fields(Submission)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dellay", "delay"),
        ("Delay", "delay"),
        ("KEY", "key"),
        ("correlationId", "correlation_id"),
        ("Correlation-ID", "correlation_id"),
        ("trace_parent", "traceparent"),
        ("idempotencyKey", "key"),
        ("idempotency_key", "key"),
        ("payload", "input"),
        ("countdown", "delay"),
        ("prioriti", "priority"),
        ("webhoook", "webhook"),
        ("zzz", None),
        ("d" * (MAX_NAME + 1), None),
    ],
)
def test_what_was_probably_meant_is_found(written: str, meant: str | None) -> None:
    assert closest_name(written, FIELDS) == meant


def test_without_a_close_name_the_known_ones_are_listed() -> None:
    assert name_hint("zzz", ["b", "a"]) == "there are: a, b"
    assert name_hint("zzz", [f"name{n:02}" for n in range(13)]).endswith("name11, …")
    assert name_hint("zzz", []) == "none is taken here"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    quantity: int = 1


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    one: Annotated[Inner, msgspec.Meta(description="x")] | None = None
    many: list[Inner] = []
    named: dict[str, Inner] = {}


@pytest.mark.parametrize(
    ("text", "type_", "field", "says"),
    [
        ('{"dellay":1,"kind":"k","input":{}}', Submission, "/dellay", "`delay`?"),
        ('{"type":"submit","ref":1,"kind":"k","input":{},"dellay":1}', Submit, "/dellay", "`delay`?"),
        ('{"filter":{"quue":"q"}}', LetterChoice, "/filter/quue", "`queue`?"),
        ('{"one":{"quantty":1}}', Outer, "/one/quantty", "`quantity`?"),
        ('{"many":[{},{"quantty":1}]}', Outer, "/many/1/quantty", "`quantity`?"),
        ('{"named":{"a":{"quantty":1}}}', Outer, "/named/.../quantty", "`quantity`?"),
        ('{"` - at `$.a":1}', Outer, "/a/", "there are: many, named, one"),
        ('{"' + "` - at `$" * 20_000 + '":1}', Outer, "", "there are"),
        ('{"":1}', Outer, "/", "there is no field ``"),
    ],
)
def test_an_unknown_field_is_named_at_its_place(text: str, type_: type, field: str, says: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(text, type=type_)
    found = explain_unknown_field(str(caught.value), type_)
    assert found is not None
    assert says in found[0]
    assert len(found[0]) < 500
    if field:
        assert found[1].startswith(field)


def test_what_is_wrong_otherwise_is_not_explained_here() -> None:
    assert explain_unknown_field("Expected `int`, got `str` - at `$.n`", Outer) is None
