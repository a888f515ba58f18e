"""What authors test their jobs with: it must tell what happens in production."""

from mutants.change import lua, python
from mutants.mutant import Mutant

_WORLD = ("tests/testing/test_world.py",)

MUTANTS = (
    Mutant(
        "The clock of a world moves before the store has answered.",
        python("HeldSelector.select").drop("self.idle.settle()"),
        _WORLD,
    ),
    Mutant(
        "In a world, keys live as long as the clock of the store's process says.",
        lua("move:move_end").drop("redis.call('PEXPIRE'"),
        _WORLD,
    ),
    Mutant(
        "A job keeps its lease in a world although its worker is lost.",
        lua("move:move_entries").drop("redis.call('XCLAIM'"),
        _WORLD,
    ),
    Mutant(
        "A saga that is run without a store leaves its steps as they are when it fails.",
        python("RunRecord.take").swap("or not self.owes", "or self.owes"),
        ("tests/testing/test_run.py",),
    ),
)
