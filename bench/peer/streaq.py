"""streaQ and a WebSocket server, with a channel for each job as tutorials do."""

from . import Alone, Guarantees, Peer
from ._glued import glued, python_of

PYTHON = python_of(".venv-peers")
WORKER = (PYTHON, "-m", "streaq", "run", "bench.glue.streaq:worker")

PEER = Peer(
    "streaQ + Starlette, a channel for each job",
    glued((PYTHON, "-m", "bench.glue.server", "bench.glue.streaq"), WORKER),
    guarantees=Guarantees(
        done_with="after the work",
        lost_worker="run again after 60 s (`idle_timeout`)",
        told="pub/sub, by the job's own code, before the result is recorded; what is missed is lost",
        result="pushed (pub/sub, a subscription for each call); kept for an hour, as set",
        tuned="`concurrency` 100 (16 as it comes), `ttl` 3600; uvloop",
    ),
    alone=Alone((PYTHON, "-m", "bench.queue.client", "bench.glue.streaq"), WORKER),
)
