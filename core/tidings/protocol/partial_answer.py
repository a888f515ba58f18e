"""What an answer about many queues says of those that it lacks."""

import msgspec


class PartialAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that leaves out queues while nodes of the store's cluster do not answer."""

    silent_nodes: list[str] = []
    """The addresses of the nodes of a cluster that do not answer; empty: nothing is missing."""
    missing_queues: list[str] = []
    """Queues, or partitions of one, that lie on such nodes: the answer has nothing of them."""
