"""BullMQ on Node, its QueueEvents and a `ws` server: what the Node world would pick."""

from pathlib import Path

from bench.peer import Alone, Guarantees, Peer
from bench.peer._glued import glued

FOLDER = Path(__file__).parent
WORKER = ("node", str(FOLDER / "worker.js"))

PEER = Peer(
    "BullMQ + QueueEvents + ws (Node)",
    glued(("node", str(FOLDER / "server.js")), WORKER, {"NODE_ENV": "production"}),
    guarantees=Guarantees(
        done_with="after the work",
        lost_worker="run again within 60 s (stalled check), once; then failed",
        told="a stream read by QueueEvents, by the queue, after the result is recorded; the last million is kept",
        result="pushed (QueueEvents); kept until removed",
        tuned="`concurrency` 100 (1 as it comes), `streams.events.maxLen` 1,000,000 (10,000)",
    ),
    alone=Alone(("node", str(FOLDER / "client.js")), WORKER),
)
