"""Ways to break Tidings: one guarantee each, and the tests that must notice.

Each chapter holds those of one subject, in the order of docs/explanation/reliability.md, which lists them; a test
compares. `test_mutants.py` keeps them from rotting. How a mutant is written is said in `change.py`.
"""

from . import console, failover, measure, operate, placement, store
from .access import access, border, contract, direct, grants, hostile, owner
from .events import chat, consumer, event, mcp, stream, webhook
from .jobs import breaker, call, held, job, kind, resources, saga, testing, tier, worker

MUTANTS = (
    *job.MUTANTS,
    *event.MUTANTS,
    *stream.MUTANTS,
    *chat.MUTANTS,
    *mcp.MUTANTS,
    *consumer.MUTANTS,
    *call.MUTANTS,
    *owner.MUTANTS,
    *grants.MUTANTS,
    *breaker.MUTANTS,
    *access.MUTANTS,
    *hostile.MUTANTS,
    *direct.MUTANTS,
    *saga.MUTANTS,
    *held.MUTANTS,
    *tier.MUTANTS,
    *console.MUTANTS,
    *measure.MUTANTS,
    *worker.MUTANTS,
    *resources.MUTANTS,
    *border.MUTANTS,
    *contract.MUTANTS,
    *store.MUTANTS,
    *failover.MUTANTS,
    *placement.MUTANTS,
    *kind.MUTANTS,
    *testing.MUTANTS,
    *webhook.MUTANTS,
    *operate.MUTANTS,
)
