"""arq and a WebSocket server, with a channel for each job as tutorials do."""

from . import Alone, Guarantees, Peer
from ._glued import glued, python_of

PYTHON = python_of(".venv-arq")
SERVER = (PYTHON, "-m", "bench.glue.server", "bench.glue.arq")
WORKER = (PYTHON, "-m", "arq", "bench.glue.arq.WorkerSettings")
GUARANTEES = Guarantees(
    done_with="after the work",
    lost_worker="run again, after `job_timeout` and 10 s",
    told="pub/sub, by the job's own code, before the result is recorded; what is missed is lost",
    result="polls; kept for an hour",
    tuned="`poll_delay` of worker and `result()` 5 ms (0.5 s as it comes), `max_jobs` 100, no log of results; uvloop",
)

PEER = Peer(
    "arq + Starlette, a channel for each job",
    glued(SERVER, WORKER),
    guarantees=GUARANTEES,
    alone=Alone((PYTHON, "-m", "bench.queue.client", "bench.glue.arq"), WORKER),
)
