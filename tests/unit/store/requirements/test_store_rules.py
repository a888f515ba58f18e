"""What the words of a store mean, without a store."""

import pytest

from tidings.settings.settings import StoreSettings
from tidings.store.requirements.store_facts import StoreFacts, checks_replayed, read_info
from tidings.store.requirements.store_rules import judge_store, judge_version, version_of

MEMORY = StoreSettings()
RIGHT = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction"}


@pytest.mark.parametrize(
    ("info", "shown", "taken"),
    [
        ({"redis_version": "6.2.5"}, "redis 6.2.5", False),
        ({"redis_version": "6.3.4", "server_name": "keydb"}, "keydb 6.3.4", False),
        ({"redis_version": "7.0.15"}, "redis 7.0.15", True),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.2"}, "valkey 9.1.2", True),
        ({"redis_version": "255.255.255"}, "redis 255.255.255", True),
        ({"redis_version": "what"}, "redis what", True),
        ({}, "redis ", True),
    ],
)
def test_a_version_before_7_0_is_refused_and_one_that_is_unknown_is_not(
    info: dict[str, str], shown: str, taken: bool
) -> None:
    assert version_of(info)[0] == shown
    found = judge_version(info)
    assert (found is None) is taken
    assert found is None or (found.refuses and found.says.startswith(shown) and "take Redis 7.0" in found.do)


@pytest.mark.parametrize(
    ("info", "drops"),
    [
        ({"aof_enabled": "1", "redis_version": "7.0.15"}, True),
        ({"aof_enabled": "1", "redis_version": "7.2.4", "valkey_version": "8.1.4"}, True),
        ({"aof_enabled": "1", "redis_version": "7.2.4", "valkey_version": "9.1.1"}, True),
        ({"aof_enabled": "1", "redis_version": "7.2.4", "valkey_version": "9.1.2"}, False),
        ({"aof_enabled": "1", "redis_version": "7.2.4", "valkey_version": "10.0.0"}, False),
        ({"aof_enabled": "0", "redis_version": "7.0.15"}, False),
        ({}, False),
    ],
)
def test_what_a_store_replays_may_be_dropped_before_valkey_9_1_2(info: dict[str, str], drops: bool) -> None:
    assert checks_replayed(info) is drops


def test_a_store_that_says_nothing_lacks_nothing_that_is_known() -> None:
    assert list(judge_store(MEMORY, StoreFacts())) == []


def test_each_node_of_a_cluster_is_named_with_what_it_lacks() -> None:
    right = StoreFacts("one:1", RIGHT, {"cluster-require-full-coverage": "no"}, [])
    wrong = StoreFacts("two:2", RIGHT, {"cluster-require-full-coverage": "yes"}, ["XADD"], "tidings")
    found = [one for facts in (right, wrong) for one in judge_store(MEMORY, facts)]
    assert [(one.check, one.node, one.refuses) for one in found] == [
        ("store.permissions", "two:2", False),
        ("store.coverage", "two:2", False),
    ]
    assert str(found[0]).startswith("node two:2: the store's user may not use XADD: ACL SETUSER tidings +xadd")


@pytest.mark.parametrize(("file", "refuses"), [("0", [True]), ("1", [False])])
def test_a_store_without_a_file_is_refused_for_fsync_also_where_its_settings_are_hidden(
    file: str, refuses: list[bool]
) -> None:
    facts = StoreFacts(info={**RIGHT, "aof_enabled": file})
    assert [one.refuses for one in judge_store(StoreSettings(durability="fsync"), facts)] == refuses


def test_replicas_of_a_store_without_a_file_are_warned_of() -> None:
    facts = StoreFacts(info={**RIGHT, "aof_enabled": "0", "role": "master", "connected_slaves": "1"})
    (found,) = judge_store(StoreSettings(durability="replicated"), facts)
    assert (found.check, found.refuses, "is empty" in found.says) == ("store.durability", False, True)


def test_the_fields_of_a_store_s_words_are_read_and_its_headings_are_not() -> None:
    assert read_info(b"# Server\r\nredis_version:7.2.4\r\n\r\nos:Linux a:b\r\n") == {
        "redis_version": "7.2.4",
        "os": "Linux a:b",
    }
    assert read_info(None) == {}
