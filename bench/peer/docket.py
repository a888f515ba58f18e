"""Docket and a WebSocket server, with a channel for each job as tutorials do."""

from . import Alone, Guarantees, Peer
from ._glued import glued, python_of

PYTHON = python_of(".venv-peers")
WORKER = (PYTHON, "-m", "bench.glue.docket")

PEER = Peer(
    "Docket + Starlette, a channel for each job",
    glued((PYTHON, "-m", "bench.glue.server", "bench.glue.docket"), WORKER),
    guarantees=Guarantees(
        done_with="after the work",
        lost_worker="run again when its message has been idle for `redelivery_timeout` (300 s)",
        told="pub/sub, by the job's own code, before the result is recorded; what is missed is lost",
        result="told by pub/sub; kept for 15 minutes",
        tuned="`concurrency` 100 (10 as it comes), `add_many` for many; uvloop",
    ),
    alone=Alone((PYTHON, "-m", "bench.queue.client", "bench.glue.docket"), WORKER),
)
