"""Tiers: lanes, limits, slots and shedding."""

from mutants.change import lua, python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "One caller's jobs all stand in line before another's.",
        lua("lane_for").swap("caller ~= '' and live > direct", "false"),
        ("tests/tiers/test_lanes.py",),
    ),
    Mutant(
        "A lane has one turn, however much waits in it.",
        lua("take_turn").drop("give_turn(tier, lane)"),
        ("tests/tiers/test_lanes.py",),
    ),
    Mutant(
        "More jobs run than their limit allows.",
        lua("has_place").swap(
            "redis.call('SCARD', key) >= most or redis.call('ZCARD', limited_key(limit)) > 0", "1 > 2"
        ),
        ("tests/tiers/test_limits.py",),
    ),
    Mutant(
        "A job that ends keeps its place of a limit.",
        lua("finish").drop("if job.limit then leave_limit"),
        ("tests/tiers/test_limits.py",),
    ),
    Mutant(
        "A job that had to wait for its turn by a rate waits for another.",
        lua("must_wait").cut("and not job.paced"),
        ("tests/tiers/test_limits.py",),
    ),
    Mutant(
        "Of several slots that are given back together one is counted.",
        python("PooledSlots.end").swap("self._busy -= jobs", "self._busy -= 1"),
        ("tests/unit/worker/queue/test_slots.py",),
    ),
    Mutant(
        "The last free slot of a tier is lent.",
        python("SharedSlots._lendable").cut("- 1"),
        ("tests/unit/worker/queue/test_slots.py",),
    ),
    Mutant(
        "Jobs of the highest priority are shed first.",
        lua("importance").swap("return priority * PRIORITY", "return -priority * PRIORITY"),
        ("tests/tiers/test_degradation.py",),
    ),
    Mutant(
        "The variables of one call of a script are there in the next.",
        python("_take_apart").swap("{variables[2] or", "{variables[1].split(',')[0]} or {variables[2] or"),
        ("tests/broker/test_library.py",),
    ),
)
