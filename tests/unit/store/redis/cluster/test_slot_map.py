"""Which node a command goes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.slot_map import SLOTS, SlotMap, read_redirect, read_slots, routing_key, slot_of

A, B = ("a", 1), ("b", 2)


@given(st.text(alphabet="{}ab:", max_size=12))
def test_a_key_lies_in_the_slot_of_its_hash_tag(key: str) -> None:
    start = key.find("{")
    end = key.find("}", start + 1)
    tag = key[start + 1 : end] if start >= 0 and end > start + 1 else key
    assert slot_of(key) == key_slot(tag.encode())


def test_all_keys_of_a_partition_lie_in_one_slot() -> None:
    keys = StoreKeys()
    assert {slot_of(one) for one in (keys.root("q"), keys.job("q", "x"), keys.events("q"), keys.root("q") + "~")} == {
        slot_of("{q}")
    }


@pytest.mark.parametrize(
    ("args", "key"),
    [
        (("FCALL", "f", 2, "root", "root~", b"x"), "root"),
        (("XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "s", ">"), "s"),
        (("XINFO", "GROUPS", "s"), "s"),
        (("HMGET", "h", "f"), "h"),
        (("SPUBLISH", "channel", b""), "channel"),
        (("CONFIG GET", "save"), None),
        (("TIME",), None),
    ],
)
def test_a_command_goes_where_its_key_is(args: tuple[str | int | bytes, ...], key: str | None) -> None:
    assert routing_key(args) == key


def answer(*ranges: tuple[int, int, tuple[str, int]]) -> list[object]:
    return [
        [low, high, [host.encode(), port, b"id", []], [b"replica", 9, b"id", []]] for low, high, (host, port) in ranges
    ]


def test_owners_are_read_and_those_that_gain_slots_are_named() -> None:
    slots = SlotMap()
    assert slots.owner(0) is None
    assert slots.take(read_slots(answer((0, 99, A), (200, SLOTS - 1, B)), "asked")) == set()
    assert (slots.owner(99), slots.owner(100), slots.owner(200)) == (A, None, B)
    assert (slots.primaries, slots.unowned, slots.count(A)) == ([A, B], 100, 100)
    assert slots.take(read_slots(answer((0, 199, A), (200, 300, A), (301, SLOTS - 1, B)), "asked")) == {A}
    assert slots.move(0, B)
    assert not slots.move(0, B)


def test_a_node_that_does_not_know_its_host_is_where_it_was_asked() -> None:
    assert read_slots([[0, 0, [b"", 7, b"id"]]], "asked")[0] == ("asked", 7)
    assert read_slots([[0, 0, [None, 7, b"id"]]], "asked")[0] == ("asked", 7)
    assert read_redirect("MOVED 5 :7", "asked") == (5, ("asked", 7))
    assert read_redirect("ASK 5 [::1]:7", "asked") == (5, ("::1", 7))


@pytest.mark.parametrize("text", ["MOVED", "MOVED x h:1", "MOVED 99999 h:1", "MOVED 1 h", "MOVED 1 h:x"])
def test_a_redirection_that_cannot_be_read_is_none(text: str) -> None:
    assert read_redirect(text, "asked") is None


@pytest.mark.parametrize("said", [b"OK", [[0]], [[0, 99999, [b"h", 1]]], [[0, 1, [b"h", b"x"]]], None])
def test_an_answer_that_names_no_owners_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match=r"slots|SLOTS|invalid|unpack"):
        read_slots(said, "asked")
