"""What of the kinds has changed, over HTTP: by the rules of `tidings schema check`."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from support.handlers.changed_kinds import BEFORE, NOW, change_kinds, forget_kinds, schema
from support.system import System
from tidings.compatibility.kind_changes import compare_kinds
from tidings.compatibility.rules import RULES
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, open_store
from tidings.store.replaced_kinds import ReplacedKind
from tidings_server.admin import kind_endpoints

PATH = "/v1/admin/kinds/changes"


@pytest.fixture
async def store(system: System) -> AsyncIterator[Redis]:
    store = open_store(system.store.url)
    await change_kinds(store)
    yield store
    await forget_kinds(store)
    await store.aclose()


async def test_operators_see_what_has_changed_and_whether_it_breaks_anything(
    store: Redis, admin: httpx.AsyncClient
) -> None:
    found = (await admin.get(PATH)).json()
    parcel, letter, stamp = sorted(found["kinds"], key=lambda one: [kind.kind for kind in BEFORE].index(one["kind"]))
    assert found["total"] == 3
    assert (parcel["version_before"], parcel["version"], parcel["fields"]) == (1, 1, ["input", "result"])
    assert [(one["rule"], one["level"], one["pointer"]) for one in parcel["changes"]] == [
        ("input_field_required", "breaking", "/weight"),
        ("result_field_gone", "breaking", "/at"),
    ]
    assert parcel["changes"][0]["breaks"] == ["queued inputs", "clients"]
    assert (letter["version_before"], letter["version"]) == (1, 2)
    assert [(one["rule"], one["level"]) for one in letter["changes"]] == [
        ("upcast_missing", "notice"),
        ("input_type_narrowed", "allowed"),
    ]
    assert (stamp["fields"], stamp["changes"]) == (["description", "input", "timeout"], [])
    checked = compare_kinds({one.kind: one for one in BEFORE}, {one.kind: one for one in NOW})
    assert [(one.kind, one.rule, one.pointer, one.detail, RULES[one.rule].says, one.advice) for one in checked] == [
        (kind["kind"], one["rule"], one["pointer"], one["detail"], one["says"], one["advice"])
        for kind in (letter, parcel)
        for one in kind["changes"]
    ]


async def test_the_newest_change_is_first_and_no_more_come_than_asked_for(
    store: Redis, admin: httpx.AsyncClient
) -> None:
    keys = StoreKeys()
    await command(store, "ZADD", keys.kinds_replaced, 3_000, "letter", 1_000, "stamp", 2_000, "parcel")
    found = (await admin.get(PATH, params={"limit": 2})).json()
    assert [(one["kind"], one["at"]) for one in found["kinds"]] == [("letter", 3_000), ("parcel", 2_000)]
    assert found["total"] == 3
    refused = await admin.get(PATH, params={"limit": 0})
    assert (refused.status_code, refused.json()["field"]) == (400, "/limit")


async def test_a_record_that_cannot_be_read_is_told(store: Redis, admin: httpx.AsyncClient) -> None:
    await command(store, "HSET", StoreKeys().kinds_before, "stamp", b"\xff")
    (stamp,) = [one for one in (await admin.get(PATH)).json()["kinds"] if one["kind"] == "stamp"]
    assert (stamp["version"], stamp["changes"], "not of the form" in stamp["unreadable"]) == (None, [], True)


async def test_only_operators_see_them(system: System, alice: httpx.AsyncClient) -> None:
    assert (await alice.get(PATH)).status_code == 403


def test_an_answer_has_bounds() -> None:
    def kind(value: str) -> KindRecord:
        fields: dict[str, Any] = {f"f{number}": {"enum": [value * 600]} for number in range(105)}
        return KindRecord(kind="k", input=schema([], **fields), result=schema([]))

    found = kind_endpoints.changed_kind(ReplacedKind("k", 1, kind("x"), kind("y"), ""))
    assert (len(found.changes), found.more) == (kind_endpoints.MAX_CHANGES, 5)
    assert {len(one.detail) for one in found.changes} == {kind_endpoints.MAX_DETAIL}
