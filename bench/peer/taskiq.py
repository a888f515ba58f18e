"""taskiq (taskiq-redis, stream broker) and a WebSocket server, with a channel for each job as tutorials do."""

from . import Alone, Guarantees, Peer
from ._glued import glued, python_of

PYTHON = python_of(".venv-peers")
WORKER = (
    PYTHON, "-m", "taskiq", "worker", "bench.glue.taskiq:broker",
    "--workers", "1", "--max-async-tasks", "100", "--log-level", "WARNING",
)  # fmt: skip

PEER = Peer(
    "taskiq + Starlette, a channel for each job",
    glued((PYTHON, "-m", "bench.glue.server", "bench.glue.taskiq"), WORKER),
    guarantees=Guarantees(
        done_with="after the work (`when_saved`)",
        lost_worker="run again after 10 minutes (`idle_timeout`)",
        told="pub/sub, by the job's own code, before the result is recorded; what is missed is lost",
        result="polls; kept for an hour, as set",
        tuned="`check_interval` of `wait_result()` 5 ms (0.2 s as it comes), one worker process (`--workers 1`), "
        "`result_ex_time` 3600; uvloop",
    ),
    alone=Alone((PYTHON, "-m", "bench.queue.client", "bench.glue.taskiq"), WORKER),
)
