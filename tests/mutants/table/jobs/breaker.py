"""Breakers, and the jobs that wait for them."""

from mutants.change import lua, python, script
from mutants.mutant import Mutant
from mutants.table.files import MACHINE

MUTANTS = (
    Mutant(
        "An open breaker lets every call try.",
        lua("STEP.enter").drop("if wait_ms(breaker) ~= 0 then return 'refused'"),
        (MACHINE,),
    ),
    Mutant(
        "A call that began before the breaker opened counts after it has closed.",
        lua("STEP.report").cut("or epoch ~= breaker.epoch"),
        (MACHINE,),
    ),
    Mutant(
        "A trial whose lease has run out still decides.",
        lua("is_trial").cut("and breaker.trial == trial"),
        (MACHINE,),
    ),
    Mutant(
        "The script does not publish that a breaker has opened.",
        script("breaker").never("breaker.epoch ~= breaker.told"),
        ("tests/breaker/test_shared.py::test_what_one_finds_out_spares_the_other_at_once",),
    ),
    Mutant(
        "A process that missed a breaker's message never asks.",
        python("WorkerBreakers._refresh").replace("answers = [", "answers: list[asyncio.Future[OperationReply]] = []"),
        ("tests/breaker/test_shared.py::test_one_that_hears_nothing_asks",),
    ),
    Mutant(
        "A trial that lasts loses its lease.",
        python("WorkerBreakers._renew").swap("list(self._trials.items())", "()"),
        ("tests/breaker/test_shared.py",),
    ),
    Mutant(
        "A job that waits for a breaker uses an attempt.",
        python("parked_for_breaker").cut("uncounted=1,"),
        ("tests/breaker/test_release.py",),
    ),
    Mutant(
        "A job that waits for something else is brought forward when a breaker closes.",
        script("release").cut("and tonumber(due[i]) == tonumber(places[id])"),
        ("tests/breaker/test_release.py",),
    ),
)
