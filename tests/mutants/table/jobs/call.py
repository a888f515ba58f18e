"""Leases, calls of the store, lost workers, and what clients make of frames."""

from mutants.change import python
from mutants.mutant import Mutant
from mutants.table.files import CALLER, LEDGER, REFUSALS

MUTANTS = (
    Mutant(
        "What a thread gives up waiting for goes on in the client's event loop.",
        python("LoopCalls._settled").drop("self._loop.call_soon_threadsafe(scope.cancel)"),
        ("tests/unit/client/sync/test_loop_calls.py",),
    ),
    Mutant(
        "A job is taken over from a worker that lives.",
        python("Leases.__init__").swap("int(settings.lease_s * 1000)", "0"),
        ("tests/e2e/test_processes.py::test_a_job_that_takes_longer_than_a_lease_stays_with_its_worker",),
    ),
    Mutant(
        "A late answer of the store goes to the next call.",
        python("PipelinedConnection._look").replace(
            "did not answer within", 'self._fail(self._sent.popleft(), StoreUnavailableError("late"))'
        ),
        (CALLER,),
    ),
    Mutant(
        "A cancelled call leaves its place in the order of answers.",
        python("PipelinedConnection.buffer_updated").replace(
            "call = sent.popleft()",
            "call = next(one for one in sent if one.future is None or not one.future.done())\nsent.remove(call)",
        ),
        (CALLER,),
    ),
    Mutant(
        "The store gives entries to a worker that has ceased to wait for them.",
        python("CommandPool.wait").never("future.cancelled()"),
        (CALLER,),
    ),
    Mutant(
        "After a silence of the store, jobs are taken over at once.",
        python("LeaseGrace.holds").replace("return refused or", "return refused"),
        ("tests/store/test_lost.py::test_a_worker_that_is_slow_to_notice_that_the_store_is_back_keeps_its_jobs",),
    ),
    Mutant(
        "A lost worker counts as a failure of the handler.",
        python("raised").cut("- lost"),
        ("tests/unit/worker/outcome/test_outcomes.py",),
    ),
    Mutant(
        "A job that kills its workers is tried for ever.",
        python("Execution.outcome").swap(">= self._job.policy.max_deliveries", "< 0"),
        ("tests/unit/worker/runner/test_handler_call.py",),
    ),
    Mutant(
        "A client shows an event twice.",
        python("Watches.event").cut("and frame.seq > job.seq"),
        (LEDGER,),
    ),
    Mutant(
        "A client takes what one iterator missed for what all did.",
        python("Watches.start").swap("min(job.seq", "max(job.seq"),
        (LEDGER,),
    ),
    Mutant(
        "A client does not pass on the state that it missed.",
        python("_changes").swap("snapshot.status != status and name is not None", "name is None"),
        (LEDGER,),
    ),
    Mutant(
        "A client makes a new key when it submits again.",
        python("Calls._send_submit").swap(
            "job, job.submit", 'job, job.submit.replace(\'"key":"\', f\'"key":"{self.next_ref()}\')'
        ),
        (LEDGER,),
    ),
    Mutant(
        "A client that resumes sends what is not confirmed twice.",
        python("Calls.requeue").drop("self._unconfirmed.clear()"),
        (REFUSALS,),
    ),
    Mutant(
        "A client asks for a confirmation for ever.",
        python("UnconfirmedCalls.postpone").never("call.unconfirmed >= MAX_UNCONFIRMED"),
        (REFUSALS,),
    ),
)
