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
        python("PipelinedConnection.buffer_updated").never("isinstance(answer, StoreDemotedError)"),
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
    Mutant(
        "Each call to a node that is away begins a connection of its own.",
        python("ReconnectPause.__call__").never("clock() < self._over_at"),
        ("tests/unit/store/redis/cluster/test_reconnect_pause.py",),
    ),
    Mutant(
        "A node that is frozen is asked first who holds what, each time.",
        python("ClusterNodes._last_heard_first").swap("sorted(addresses, key=contact)", "list(addresses)"),
        ("tests/unit/store/redis/cluster/test_cluster_nodes.py",),
    ),
    Mutant(
        "A call on its way to a node that was replaced fails as if the process left, and its attempt waits for ever.",
        python("ClusterNodes._changed").swap("node.caller.close(StoreUnsentError(gone))", "node.caller.close()"),
        ("tests/cluster/test_replaced_nodes.py",),
    ),
    Mutant(
        "One node that is away makes the whole cluster count as lost.",
        python("StoreHealth.lost").swap("all(holding)", "any(holding)"),
        ("tests/unit/store/redis/cluster/test_cluster_nodes.py",),
    ),
    Mutant(
        "What a silent node holds is counted all the same, and operators see nothing.",
        python("heard_queues").swap("if not silent.hold(keys.root(name))", "if name"),
        ("tests/unit/store/test_missing_parts.py",),
    ),
    Mutant(
        "A job is acknowledged although too few replicas have it.",
        python("ReplicatedCalls._fault_of").swap("int(answer) < wanted", "int(answer) < 0"),
        ("tests/durability/test_replicated.py",),
    ),
    Mutant(
        "A duplicate writes nothing, and is confirmed although no replica may have the job.",
        python("_ScriptCall.__init__").swap(
            "caller.marking_args if waits else caller.script_args", "caller.script_args"
        ),
        ("tests/durability/test_replicated.py",),
    ),
    Mutant(
        "A process that promises what a disk keeps starts with a store that answers first.",
        python("_judge_fsync").swap("refuses=True", "refuses=False"),
        ("tests/durability/test_start.py",),
    ),
    Mutant(
        "A node that stands still keeps every process from starting.",
        python("read_facts").swap("facts and isinstance(one, StoreUnavailableError)", "False"),
        ("tests/cluster/test_node_requirements.py",),
    ),
    Mutant(
        "A process starts with a store that deletes acknowledged jobs.",
        python("judge_eviction").swap("refuses=not allowed", "refuses=False"),
        ("tests/store/test_requirements.py",),
    ),
    Mutant(
        "A process starts with a store that is too old to run the scripts.",
        python("judge_version").swap("version >= LEAST_VERSION", "version >= (6, 0)"),
        ("tests/unit/store/requirements/test_store_rules.py",),
    ),
    Mutant(
        "A rule that is named to an operator does not grant what is lacking.",
        python("_rules").swap('one.lower().replace(" ", "|")', "one.lower()"),
        ("tests/store/test_requirements.py",),
    ),
)
