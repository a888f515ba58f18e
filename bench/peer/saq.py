"""SAQ and a WebSocket server, with a channel for each job as tutorials do."""

from . import Alone, Guarantees, Peer
from ._glued import glued, python_of

PYTHON = python_of(".venv-peers")
WORKER = (PYTHON, "-m", "saq", "bench.glue.saq.settings")

PEER = Peer(
    "SAQ + Starlette, a channel for each job",
    glued((PYTHON, "-m", "bench.glue.server", "bench.glue.saq"), WORKER),
    guarantees=Guarantees(
        done_with="after the work",
        lost_worker="found by a sweep each 60 s, once past its `timeout` (10 s); not run again unless `retries` > 1",
        told="pub/sub, by the job's own code, before the result is recorded; what is missed is lost",
        result="polls; kept for 10 minutes",
        tuned="`concurrency` 100 (10 as it comes), `max_concurrent_ops` 100 (20), `poll_interval` of `apply()` 5 ms "
        "(0.5 s); uvloop",
    ),
    alone=Alone((PYTHON, "-m", "bench.queue.client", "bench.glue.saq"), WORKER),
)
