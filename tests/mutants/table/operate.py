"""What operators are told: by the doctor, by the model of capacity, and by the files of deployments."""

from mutants.change import python, script
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "The doctor finds nothing wrong with a store that deletes acknowledged jobs.",
        python("_eviction").swap("lacking is None", "True"),
        ("tests/doctor/test_store_faults.py",),
    ),
    Mutant(
        "A store that drops jobs when it replays its append-only file is not named.",
        python("judge_default_user").swap("is not False", "is None or facts.user"),
        ("tests/store/test_replay.py",),
    ),
    Mutant(
        "Of a long answer by TLS nothing but the first record is read.",
        python("PipelinedConnection.__init__").swap("memoryview(bytearray(READ_BYTES))", "bytearray(READ_BYTES)"),
        ("tests/store/test_tls.py",),
    ),
    Mutant(
        "The doctor takes a command that the store's user may not use for one that it may.",
        script("permitted").swap("(known and allowed)", "known"),
        ("tests/doctor/test_store_faults.py",),
    ),
    Mutant(
        "The doctor takes a clock that is behind for one that is right.",
        python("judge_clock").swap("if abs(ahead_s) >", "if ahead_s >"),
        ("tests/doctor/test_store_faults.py",),
    ),
    Mutant(
        "The doctor takes a stream of which nothing comes for one that passes.",
        python("check_stream").swap("if NEXT not in answer.body:", "if answer.headers and NEXT not in answer.body:"),
        ("tests/doctor/test_public_faults.py",),
    ),
    Mutant(
        "The doctor exits with 0 though something is wrong.",
        python("_exit_code").swap("level is Level.PROBLEM or", "level is None or"),
        ("tests/doctor/test_command.py",),
    ),
    Mutant(
        "The model of capacity forgets the jobs that run at a time.",
        python("plan").swap("math.ceil(running / (load.slots * load.busy))", "1"),
        ("tests/capacity/test_model.py",),
    ),
)
