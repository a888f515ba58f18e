"""What holds while a queue is spread over partitions."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import CLAIMS, PARTITIONS, PLACEMENTS

MUTANTS = (
    Mutant(
        "The number of a queue's partitions changes, and its epoch does not.",
        python("Placement.after").swap("self.epoch + 1", "self.epoch"),
        (CLAIMS,),
    ),
    Mutant(
        "A server does not ask for a key where it was before.",
        python("JobSubmissions._ask_earlier").swap("admitted.asked_first", "()"),
        (CLAIMS,),
    ),
    Mutant(
        "A server that asks for a key leaves no claim.",
        lua("claim_key").drop("redis.call('SET'"),
        (CLAIMS,),
    ),
    Mutant(
        "A submission by an older placement passes a claim.",
        lua("earlier").swap("return { 'stale', '', '', 0, 0, 0 }", "return nil"),
        (CLAIMS,),
    ),
    Mutant(
        "A job is made before replicas have the claim of its key.",
        python("JobSubmissions._ask_earlier").swap(
            'raise problem_error("store_unavailable", UNCLAIMED, retry_after=STORE_RETRY_S) from error', "continue"
        ),
        ("tests/cluster/test_replicated_claims.py",),
    ),
    Mutant(
        "Only the last placement is remembered.",
        python("Placement.after").swap("[ended, *self.before]", "[ended]"),
        (CLAIMS,),
    ),
    Mutant(
        "A kind with unique values is spread.",
        python("kinds_at_home").cut("or record.unique is not None"),
        (PLACEMENTS,),
    ),
    Mutant(
        "The partitions of a queue have slots of their own.",
        python("Capacity.share").swap("other.slots, other.freed", "self.slots, other.freed"),
        ("tests/unit/worker/queue/test_shared_capacity.py",),
    ),
    Mutant(
        "A job that recurs recurs in each partition.",
        python("Queue.__init__").swap("queue_of(store.partition) == store.partition", "True"),
        (PARTITIONS + "::test_children_are_spread_and_what_recurs_has_one_home",),
    ),
)
