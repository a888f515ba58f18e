"""Sagas: steps, children, unwinding and sleep."""

from mutants.change import lua, python, script
from mutants.mutant import Mutant
from mutants.table.files import MOMENTS, SCRIPTS

MUTANTS = (
    Mutant(
        "A saga sleeps although something woke it while it was leaving.",
        lua("park").never("~= (outcome.woken or 0)"),
        (SCRIPTS,),
    ),
    Mutant(
        "The end of a saga's child counts as often as a relay reports it.",
        lua("tell_parent").drop("if head.status ~="),
        (SCRIPTS,),
    ),
    Mutant(
        "A worker whose saga another has taken over may still take its steps.",
        lua("step:write").cut("or tonumber(job.fence) ~= fence"),
        (SCRIPTS,),
    ),
    Mutant(
        "A saga ends badly without undoing what it did.",
        lua("turn").always("unwinding or tonumber(owed or 0)"),
        (SCRIPTS,),
    ),
    Mutant(
        "A step of a saga that is sent twice counts twice.",
        lua("step:write").always("not old or"),
        (SCRIPTS,),
    ),
    Mutant(
        "A saga makes a child as often as it asks for it.",
        lua("submit").cut("parent ~= '' and present(id) or"),
        (SCRIPTS,),
    ),
    Mutant(
        "A child of a saga ends, and its parent does not learn of it.",
        lua("close_saga").swap("if parent then", "if false then"),
        (SCRIPTS,),
    ),
    Mutant(
        "A saga undoes its steps in the order in which it did them.",
        python("Journal.to_undo").cut(", reverse=True"),
        ("tests/unit/worker/saga/test_journal.py",),
    ),
    Mutant(
        "A saga goes on undoing behind a step that could not be undone.",
        python("Compensator.run").replace("return self._incomplete(row, refused", "continue"),
        ("tests/saga/test_unwinding.py::test_what_cannot_be_undone_is_left_to_an_operator",),
    ),
    Mutant(
        "A saga takes the result of another step than the one that its code asks for.",
        python("Journal.find").never("row.head.name, row.head.type"),
        ("tests/unit/worker/saga/test_journal.py",),
    ),
    Mutant(
        "An order to stop that arrives late cuts the unwinding of a saga short.",
        python("_UNWINDING").swap("StopReason.CANCEL: _NONE", "StopReason.CANCEL: _STOP"),
        (MOMENTS,),
    ),
    Mutant(
        "A child of a saga that was stopped before it was made may still be made.",
        python("Children.stop").cut(", forbid=kind"),
        (MOMENTS,),
    ),
    Mutant(
        "A child of a saga that waits when it is stopped is taken for one that never began.",
        script("outbox").cut("started and 1 or"),
        (SCRIPTS, MOMENTS),
    ),
    Mutant(
        "A child that has undone itself is undone again by its parent.",
        python("_is_unknown").never("refused.compensation is not None"),
        ("tests/unit/worker/saga/test_journal.py",),
    ),
    Mutant(
        "News that a saga reads while it leaves its worker counts as seen.",
        python("BranchWaits.waiting_outcome").swap("self._woken_at_exit", "self._journal_client.woken or 0"),
        ("tests/saga/journal/test_keeper.py",),
    ),
    Mutant(
        "A branch of a saga does not hear what came just before it began to wait.",
        python("BranchWaits.wait_for_news").drop("self._read_if_wanted()"),
        ("tests/saga/journal/test_keeper.py",),
    ),
    Mutant(
        "A saga that leaves forgets what its branches wait for as they are cancelled.",
        python("BranchWaits.leave_if_idle").cut("and not self._host.cancelled"),
        ("tests/saga/journal/test_keeper.py", "tests/saga/programs/test_programs.py"),
    ),
    Mutant(
        "A saga of an older version takes a change of the code.",
        python("Saga.patched").cut("self._is_older or"),
        ("tests/versions/sagas/test_patched.py",),
    ),
    Mutant(
        "A saga under way takes a change before the steps that it has taken.",
        python("Saga.patched").cut("or any(path not in self.taken for path in journal.rows)"),
        ("tests/versions/sagas/test_patched.py",),
    ),
    Mutant(
        "A saga that has ended counts as running.",
        lua("uncount_saga").drop("redis.call('SREM'"),
        ("tests/versions/sagas/test_patched.py",),
    ),
)
