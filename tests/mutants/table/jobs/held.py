"""Sagas over deploys: held where the code does not fit, pinned to a version, replayed before a deploy."""

from mutants.change import lua, python
from mutants.mutant import Mutant

HELD = "tests/saga/journal/test_held.py"
PINNED = "tests/saga/journal/test_pinned.py"
ALONE = "tests/saga/journal/test_held_alone.py"
REPLAY = "tests/testing/test_replay.py"
RECORDINGS = "tests/saga/journal/test_recordings.py"

MUTANTS = (
    Mutant(
        "A saga that does not fit the code fails although it is to be held.",
        python("Saga.hold").always("not self.holds_diverged"),
        (ALONE,),
    ),
    Mutant(
        "A saga is held although no one asked for that.",
        python("Saga.hold").cut("not self.holds_diverged or"),
        (ALONE,),
    ),
    Mutant(
        "A saga gives up undoing a step that the code does not come to, although it is to be held.",
        python("Compensator._undo").never("self._saga.holds_diverged"),
        (ALONE,),
    ),
    Mutant(
        "A signal or the end of a child has code that does not fit try a held saga again.",
        lua("saga:wake").drop("if job.awaits == HELD then return end"),
        (HELD,),
    ),
    Mutant(
        "A saga that was woken while its attempt ran is not held.",
        lua("park").cut("not code and"),
        (HELD,),
    ),
    Mutant(
        "A worker tries a held saga again and again.",
        lua("tier_of_untried").cut("or string.find(',' .. tried .. ',', ',' .. code .. ',', 1, true)"),
        (HELD,),
    ),
    Mutant(
        "A worker tries a held saga of a version that it does not serve.",
        lua("tier_of_untried").swap("return tier_in(tier, kind, version)", "return tier"),
        (HELD,),
    ),
    Mutant(
        "A held saga forgets which code has been tried with it when the next one does not fit either.",
        lua("hold_saga").swap("string.match(before or '', '!(.+)$') or code", "code"),
        (HELD,),
    ),
    Mutant(
        "So many releases may try a held saga that its line grows without end.",
        lua("hold_saga").swap("more + 1 < MOST_CODES", "true"),
        (HELD,),
    ),
    Mutant(
        "A saga that was cancelled while it was held counts as held for ever.",
        lua("end_wait").never("'awaits', 'held') == 3"),
        (HELD,),
    ),
    Mutant(
        "A held saga that ends counts as held for ever.",
        lua("close_saga").swap("if held_in then", "if false then"),
        (HELD,),
    ),
    Mutant(
        "A saga that was held never submits a child whose step it had recorded.",
        lua("park").swap("code and 0 or job.fence", "job.fence"),
        (HELD,),
    ),
    Mutant(
        "A saga that runs again is taken out of its line by what is left of its hold.",
        lua("give_held").cut("or job.awaits ~= HELD"),
        (HELD,),
    ),
    Mutant(
        "What an operator releases was tried already, and waits on.",
        lua("saga_act:release").drop("redis.call('HDEL'"),
        (HELD,),
    ),
    Mutant(
        "A worker with an upcast runs a saga that is pinned to the version before.",
        lua("start:start").swap("if pinned or not upcast then", "if not upcast then"),
        (PINNED,),
    ),
    Mutant(
        "A worker with an upcast takes pinned sagas out of their line.",
        lua("tier_in").swap("own and versions[2] or versions[1]", "versions[1]"),
        (PINNED,),
    ),
    Mutant(
        "A lane gives a pinned saga to a worker with an upcast.",
        lua("start:start").swap("if not served or by_upcast then", "if not served then"),
        (PINNED,),
    ),
    Mutant(
        "A saga that is pinned no more waits on for a worker of its version.",
        lua("unpin").swap("if since then", "if false then"),
        (PINNED,),
    ),
    Mutant(
        "Operators do not see that pinned sagas wait for a worker of their version.",
        python("WorkerRecord.serves_kind").swap("versions.newest == version", "versions.serve(version)"),
        (PINNED,),
    ),
    Mutant(
        "A replay does not see that code leaves out a step.",
        python("ReplayRun._judge").swap("if left_out:", "if False:"),
        (REPLAY,),
    ),
    Mutant(
        "A replay calls what is not recorded.",
        python("_ReplaySink.recall").never("not known"),
        (REPLAY,),
    ),
    Mutant(
        "A replay does the steps that are not done.",
        python("ReplayRun.__init__").swap("1, -1, record.now_ms", "1, 0, record.now_ms"),
        (REPLAY,),
    ),
    Mutant(
        "A handler that raises an error counts as one that fits.",
        python("ReplayRun._judge").never("isinstance(raised, Raised)"),
        (REPLAY,),
    ),
    Mutant(
        "A handler that hangs counts as one that fits.",
        python("ReplayRun._judge").never("not self._is_idle"),
        (REPLAY,),
    ),
    Mutant(
        "A file of recorded sagas that was cut off is taken for a whole one.",
        python("read_recorded").drop('raise RecordingError(f"the file ends'),
        (REPLAY,),
    ),
    Mutant(
        "A replay takes the answers of patches for those before the saga began again.",
        python("MemorySagaStore.read").swap("epoch=record.epoch", "epoch=0"),
        (REPLAY,),
    ),
    Mutant(
        "A recording lacks what was patched.",
        python("saga_recordings:_record").swap("name.startswith(_MEMO)", "False"),
        (RECORDINGS,),
    ),
    Mutant(
        "A saga that waits in its queue is not recorded.",
        python("saga_recordings:_record").cut("or await _queued(caller, keys, token, record)"),
        (RECORDINGS,),
    ),
)
