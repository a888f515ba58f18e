"""Ways to break Tidings: one guarantee each, and the tests that must notice.

Each chapter holds those of one subject, in the order of docs/explanation/reliability.md, which lists them; a test
compares. `test_mutants.py` keeps them from rotting. How a mutant is written is said in `change.py`.
"""

from . import (
    access,
    border,
    breaker,
    call,
    console,
    consumer,
    contract,
    event,
    grants,
    held,
    hostile,
    job,
    kind,
    measure,
    operate,
    owner,
    resources,
    saga,
    store,
    stream,
    testing,
    tier,
    webhook,
    worker,
)

MUTANTS = (
    *job.MUTANTS,
    *event.MUTANTS,
    *stream.MUTANTS,
    *consumer.MUTANTS,
    *call.MUTANTS,
    *owner.MUTANTS,
    *grants.MUTANTS,
    *breaker.MUTANTS,
    *access.MUTANTS,
    *hostile.MUTANTS,
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
    *kind.MUTANTS,
    *testing.MUTANTS,
    *webhook.MUTANTS,
    *operate.MUTANTS,
)
