"""What a census leaves out because nodes of a cluster do not answer, and what operators are told of it."""

from tidings.store.admin.queue_stats import MissingParts, QueueCount, QueueStats, heard_queues
from tidings.store.keys import StoreKeys
from tidings.store.redis.silent_nodes import SilentNodes
from tidings_cli.operate.missing_view import missing_parts

KEYS = StoreKeys()
QUEUES = {"mail": {"standard"}, "orders": {"fast", "standard"}}
NODE = "10.0.0.1:6379"


def silent(*held: str) -> SilentNodes:
    return SilentNodes((), [NODE] if held else [], lambda key: key in held)


def test_of_a_store_of_which_all_answers_nothing_is_missing() -> None:
    assert heard_queues(QUEUES, silent(), KEYS) == (QUEUES, None)


def test_a_queue_on_a_silent_node_is_left_out_and_named() -> None:
    heard, missing = heard_queues(QUEUES, silent(KEYS.root("mail")), KEYS)
    assert heard == {"orders": QUEUES["orders"]}
    assert missing == MissingParts(nodes=[NODE], queues=["mail"], registry=False, breakers=False)


def test_a_queue_in_a_slot_without_a_node_is_missing_though_all_nodes_answer() -> None:
    heard, missing = heard_queues(QUEUES, SilentNodes((), [], lambda key: key == KEYS.root("orders")), KEYS)
    assert (set(heard), missing) == (
        {"mail"},
        MissingParts(nodes=[], queues=["orders"], registry=False, breakers=False),
    )


def test_what_is_missing_is_said_in_sentences() -> None:
    _, missing = heard_queues(QUEUES, silent(KEYS.root("mail"), KEYS.workers, KEYS.breakers), KEYS)
    assert missing is not None
    assert (missing.registry, missing.breakers) == (True, True)
    said = list(missing_parts(missing))
    assert len(said) == 4
    assert NODE in said[0]
    assert "mail" in said[1]
    assert list(missing_parts(None)) == []


def test_no_queue_counts_as_unserved_while_the_workers_are_not_known() -> None:
    waits = QueueCount(queue="mail", tier="standard", waiting=1, running=0, scheduled=0, dead=0)
    known = QueueStats(kinds=[], workers=[], queues=[waits])
    assert known.unserved == ["mail"]
    missing = MissingParts(nodes=[NODE], queues=[], registry=True, breakers=False)
    assert QueueStats(kinds=[], workers=[], queues=[waits], missing=missing).unserved == []
