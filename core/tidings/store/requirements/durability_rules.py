"""Whether a store does what the chosen durability promises. Pure."""

from collections.abc import Iterator, Mapping

from tidings.settings.settings import StoreSettings

from .shortfall import Shortfall
from .store_facts import StoreFacts

CHECK = "store.durability"

FSYNC: Mapping[str, str] = {"appendonly": "yes", "appendfsync": "always"}
"""What a store has to be set to that writes to its disk before it answers."""


def judge_durability(settings: StoreSettings, facts: StoreFacts) -> Iterator[Shortfall]:
    """Yield what keeps a store, or a node, from what `TIDINGS_DURABILITY` promises.

    Args:
        settings: say what is promised.
        facts: what the store says of itself.

    """
    if settings.durability == "fsync":
        yield from _judge_fsync(facts)
    elif settings.durability == "replicated":
        yield from _judge_replicated(settings.replicas, facts)


def _judge_fsync(facts: StoreFacts) -> Iterator[Shortfall]:
    config, node = dict(facts.config), facts.node
    if facts.info.get("aof_enabled") == "0":  # that it says to those too who may not ask for its settings
        config["appendonly"] = "no"
    wrong = {name: value for name, wanted in FSYNC.items() if (value := config.get(name)) not in (wanted, None)}
    if wrong:
        shown = " and ".join(f"{name} {value}" for name, value in wrong.items())
        obey = " and ".join(f"CONFIG SET {name} {FSYNC[name]}" for name in wrong)
        yield Shortfall(
            check=CHECK,
            says=f"TIDINGS_DURABILITY is fsync, and the store is set to {shown}",
            do=f"{obey}, and the same in its configuration; or choose another durability",
            refuses=True,
            node=node,
        )
    elif not config.keys() >= FSYNC.keys():
        yield Shortfall(
            check=CHECK,
            says="TIDINGS_DURABILITY is fsync, and the store's user may not ask how it is set",
            do="see yourself that it has appendonly yes and appendfsync always, or grant +config|get",
            refuses=False,
            node=node,
        )


def _judge_replicated(wanted: int, facts: StoreFacts) -> Iterator[Shortfall]:
    if facts.info.get("aof_enabled") == "0":
        yield Shortfall(
            check=CHECK,
            says="TIDINGS_DURABILITY is replicated, and the store has no append-only file: a primary that starts again "
            "by itself is empty, and its replicas after it",
            do="CONFIG SET appendonly yes, and the same in its configuration",
            refuses=False,
            node=facts.node,
        )
    if facts.info.get("role") == "master":
        yield from _judge_replicas(wanted, int(facts.info.get("connected_slaves", wanted)), facts.node)


def _judge_replicas(wanted: int, connected: int, node: str) -> Iterator[Shortfall]:
    if connected < wanted:
        yield Shortfall(
            check=CHECK,
            says=f"TIDINGS_REPLICAS is {wanted}, and {connected} replicas follow the store: no call is confirmed",
            do="start replicas, or lower it",
            refuses=False,
            node=node,
        )
    elif connected > wanted:
        yield Shortfall(
            check=CHECK,
            says=f"TIDINGS_REPLICAS is {wanted}, and {connected} replicas follow the store: a failover may promote one "
            "that lacks what was acknowledged",
            do="raise it to their number, or keep the others from being promoted (replica-priority 0)",
            refuses=False,
            node=node,
        )
