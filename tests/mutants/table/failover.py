"""A store whose primary changes."""

from mutants.change import python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "One sentinel that is behind decides who the primary is.",
        python("AddressVote.outcome").swap("self._votes.most_common(1)[0][0]", "next(iter(self._votes))"),
        ("tests/unit/store/sentinel/test_address_vote.py",),
    ),
    Mutant(
        "A process stays with a primary that has been replaced in good health.",
        python("Store.leave_primary").drop("self.caller.leave(fault)"),
        ("tests/sentinel/test_failover.py",),
    ),
    Mutant(
        "A connection to a replica is kept, and refused for ever.",
        python("PipelinedConnection.data_received").never("isinstance(answer, StoreDemotedError)"),
        ("tests/sentinel/test_failover.py",),
    ),
    Mutant(
        "A script runs on the half of a partition that has moved.",
        python("declared_keys").swap('(2, root, f"{root}~")', "(1, root)"),
        ("tests/cluster/test_cluster.py",),
    ),
    Mutant(
        "Leases look run out after the silence of their node, because other nodes have answered.",
        python("ClusterStore._downtime_of").swap(
            "self.health.downtime if owner is None else", "self.health.downtime if True else"
        ),
        ("tests/unit/store/redis/cluster/test_downtime.py",),
    ),
)
