"""Celery and a WebSocket server, with a channel for each job as tutorials do."""

from . import Alone, Guarantees, Peer
from ._glued import glued, python_of

PYTHON = python_of(".venv-peers")
WORKER = (
    PYTHON, "-m", "celery", "--app", "bench.glue.celery", "worker", "--pool", "prefork", "--concurrency", "2",
    "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
)  # fmt: skip

PEER = Peer(
    "Celery + Starlette, a channel for each job",
    glued((PYTHON, "-m", "bench.glue.server", "bench.glue.celery"), WORKER),
    guarantees=Guarantees(
        done_with="before the work (`task_acks_late` is off as it comes)",
        lost_worker="lost, if it had begun; else run again after an hour (`visibility_timeout`)",
        told="pub/sub, by the job's own code, before the result is recorded; what is missed is lost",
        result="pushed (pub/sub of its backend); kept for a day; none for the jobs of the socket (`ignore_result`)",
        tuned="`worker_prefetch_multiplier` 64 (4 as it comes), prefork with 2 processes, no gossip, mingle, heartbeat",
    ),
    alone=Alone((PYTHON, "-m", "bench.queue.client", "bench.glue.celery"), WORKER),
)
