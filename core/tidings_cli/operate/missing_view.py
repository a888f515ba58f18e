"""What operators are told of nodes of the store that do not answer."""

from collections.abc import Iterator

from tidings.store.admin.queue_stats import MissingParts


def missing_parts(missing: MissingParts | None) -> Iterator[str]:
    """Yield what a census lacks, a sentence at a time."""
    if missing is None:
        return
    for node in missing.nodes:
        yield f"The node {node} of the store does not answer: what lies on it is missing here."
    if missing.queues:
        yield f"Nothing is known at the moment of these queues: {', '.join(missing.queues)}."
    if missing.registry:
        yield "The kinds and the workers lie on a node that does not answer: those shown were read earlier, or none is."
    if missing.breakers:
        yield "The breakers lie on a node that does not answer."
