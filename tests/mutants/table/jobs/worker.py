"""What processes do about a store that denies or refuses, and workers about threads, a blocked loop and forks."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import DUTY, UPKEEP

MUTANTS = (
    Mutant(
        "The room for a shared value is kept, however large that was.",
        python("SharedFile.read").drop("os.ftruncate(self.fd, 0)"),
        ("tests/worker/test_shared_values.py",),
    ),
    Mutant(
        "A worker reads as much of a shared result as its child says.",
        python("SharedFile.read").swap("0 < size <= most", "0 < size"),
        ("tests/worker/test_shared_values.py",),
    ),
    Mutant(
        "A worker lets a child's shared memory stand when the child is gone.",
        python("ChildProcess.close").drop("self._memory.close()"),
        ("tests/worker/test_shared_values.py",),
    ),
    Mutant(
        "The worker's allocator overrules its operator.",
        python("keep_freed_memory").never("name in os.environ"),
        ("tests/unit/process/test_allocator_tuning.py",),
    ),
    Mutant(
        "A worker that has died stays on duty.",
        lua("lives").swap("redis.call('EXISTS', worker_key(name)) == 1", "true"),
        (UPKEEP,),
    ),
    Mutant(
        "A worker that is not on duty rests as short as those that are.",
        python("UpkeepDuty.pause").swap("seconds * OFF_DUTY_FACTOR", "seconds"),
        (DUTY,),
    ),
    Mutant(
        "A duty that begins waits until the worker looks by itself.",
        python("UpkeepDuty.decide").drop("wake.set()"),
        (DUTY,),
    ),
    Mutant(
        "A worker on duty without room tells no other of lost jobs.",
        python("Leases._may_take_over").swap("announce=on_duty and looked_lately", "announce=False"),
        (DUTY,),
    ),
    Mutant(
        "A worker that has not looked for long takes over at once.",
        python("Leases._may_take_over").drop("await anyio.sleep("),
        (DUTY,),
    ),
    Mutant(
        "No log line or page says what the store denies a process.",
        python("StoreHealth.failed").drop("if isinstance(error, CommandDeniedError)"),
        ("tests/store/test_permissions.py::test_what_a_user_lacks_is_said_once_and_by_readyz",),
    ),
    Mutant(
        "A password with an unescaped `/` is taken for a port, and part of it for the host.",
        python("parse_store_url").never('"@" in rest'),
        ("tests/cli/test_store_url.py",),
    ),
    Mutant(
        "`tidings dev` does not start a killed worker again.",
        python("_DevSystem._worker_ended").drop("self._ended(Part.WORKER"),
        (
            "tests/cli/test_supervision.py::test_a_worker_that_is_killed_in_the_middle_of_a_job_starts_again_and_runs_it_again",
        ),
    ),
    Mutant(
        "The garbage collector never gets back what a process made at its start.",
        python("freeze_startup_objects").drop("atexit.register(gc.unfreeze)"),
        ("tests/worker/test_garbage.py",),
    ),
    Mutant(
        "A worker throws away an outcome that the store refuses for an unknown reason.",
        python("Reporter._answered").replace(
            "if isinstance(error, ScriptError) and",
            'if isinstance(error, ScriptError):\n    self._conclude("lost")\n    return',
        ),
        ("tests/unit/worker/attempt/test_reporter.py",),
    ),
    Mutant(
        "A store that refuses for want of replicas is taken for one that refuses for good.",
        python("_CODES").cut('"NOREPLICAS",'),
        ("tests/unit/store/availability/test_store_errors.py",),
    ),
    Mutant(
        "A plain handler waits for the thread of another.",
        python("HandlerThreads.start").swap("self._started <= self._under_way", "not self._started"),
        ("tests/unit/worker/runner/test_handler_threads.py",),
    ),
    Mutant(
        "A plain handler cannot begin an event loop of its own.",
        python("ThreadRun._run").drop("leave_async_library()"),
        ("tests/unit/worker/runner/test_handler_threads.py",),
    ),
    Mutant(
        "A process that was forked draws the tokens that its parent draws.",
        python("_forget_block").drop("_block = []"),
        ("tests/unit/protocol/test_random_text.py",),
    ),
    Mutant(
        "A handler that works and reports progress never lets the event loop do its other work.",
        python("Context.progress").never(">= STRETCH_S"),
        ("tests/unit/worker/attempt/test_progress_turns.py",),
    ),
    Mutant(
        "A report that the store refuses is sent with those of others again.",
        python("Reporter._put").cut(", apart=True"),
        ("tests/unit/worker/attempt/test_reporter.py",),
    ),
    Mutant(
        "After a time in which the store refused heartbeats, jobs are taken over at once.",
        python("LeaseGrace.taken").drop("self._over = now"),
        ("tests/worker/test_truce.py",),
    ),
    Mutant(
        "A worker takes jobs for which it has no thread.",
        lua("start").swap("(free[need] or 0) <= 0", "(free[need] or 0) <= -1000"),
        ("tests/worker/test_places.py",),
    ),
    Mutant(
        "A worker leaves jobs that it set apart for want of a thread there.",
        python("stream_groups_of").swap("for need in needs", "for need in needs[:0]"),
        ("tests/worker/test_places.py",),
    ),
    Mutant(
        "A job set apart for want of a thread goes behind jobs that were queued after it.",
        lua("keeps_place").always("hold ~= 1"),
        ("tests/worker/test_places.py::test_what_waits_for_a_thread_begins_in_the_order_of_submission",),
    ),
    Mutant(
        "Jobs that need no thread wait behind those that do.",
        python("Capacity._bound").swap("max(free", "min(free"),
        ("tests/worker/test_places.py",),
    ),
    Mutant(
        "A worker whose loop is blocked does not renew its leases.",
        python("Watchdog._bridge").swap("self._blocked <= self._blocked_s", "self._blocked <= 0"),
        ("tests/worker/test_watchdog.py",),
    ),
    Mutant(
        "A worker whose loop is blocked for ever keeps its jobs.",
        python("Watchdog._bridge").swap("self._blocked <= self._blocked_s", "self._blocked <= 1000 * self._blocked_s"),
        ("tests/worker/test_watchdog.py",),
    ),
    Mutant(
        "A process that a handler forks wakes the worker's loop by its signals.",
        python("_after_in_child").drop("signal.set_wakeup_fd(-1)"),
        ("tests/worker/test_fork.py",),
    ),
    Mutant(
        "A signal reaches a forked copy before the copy has its own handlers.",
        python("fork:_before").swap("SIG_BLOCK, _DEFAULTS", "SIG_BLOCK, ()"),
        ("tests/worker/test_fork.py",),
    ),
    Mutant(
        "The worker answers only the last question of a child process.",
        python("RemoteSink._ask").swap(
            "self._asked[question.number] = answer", "self._asked = {question.number: answer}"
        ),
        ("tests/worker/test_asking.py",),
    ),
    Mutant(
        "A process that has left waits for the threads of handlers.",
        python("CloseBound.__exit__").drop("self._timer.start()"),
        ("tests/unit/process/test_close_bound.py",),
    ),
    Mutant(
        "A process is ended although its loop has closed.",
        python("CloseBound.lift").drop("self._timer.cancel()"),
        ("tests/unit/process/test_close_bound.py",),
    ),
)
