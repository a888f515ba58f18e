"""What consumers of events are given, and in which order."""

from mutants.change import lua, python, script
from mutants.mutant import Mutant

WRITTEN = "tests/groups/partition/test_written.py"
TAKE = "tests/groups/partition/test_take.py"
OPERATORS = "tests/groups/operating/test_operators.py"
MODEL = "tests/groups/partition/test_group_model.py"
HANDLERS = "tests/groups/test_handlers.py"
JOINING = "tests/groups/partition/test_joining.py"

MOVE_ALL = """for _, name in ipairs(redis.call('HKEYS', groups_key)) do
  redis.call('HSET', group_key(string.sub(name, 2)), 'position', to)
end"""

MUTANTS = (
    Mutant(
        "A script that changes a job leaves its event to be written later.",
        lua("tell").drop("if followed then follow"),
        (WRITTEN,),
    ),
    Mutant(
        "An event that no client watches is written for no group either.",
        lua("report:tell_outcome").cut("or followed"),
        (WRITTEN,),
    ),
    Mutant(
        "A group that joins under load is said to follow at once what some scripts do not follow yet.",
        script("group_join").swap("and FRESH_MS or 0", "and 0 or 0"),
        (WRITTEN,),
    ),
    Mutant(
        "Two workers of a group get two events of one job at the same time.",
        lua("group_take:take").swap("if state then", "if false then"),
        (TAKE, MODEL),
    ),
    Mutant(
        "A worker that was taken for dead settles the event that another worker has.",
        lua("settle_event").cut("state[1] ~= worker or"),
        (TAKE,),
    ),
    Mutant(
        "A replay of one group moves the others too.",
        script("group_seek").swap("redis.call('HDEL', key, 'ordinal')", MOVE_ALL),
        (OPERATORS,),
    ),
    Mutant(
        "A group that fell off the end of the stream goes on without a word.",
        lua("group_take:take").drop("note_missed"),
        (OPERATORS,),
    ),
    Mutant(
        "A group goes on behind events that it has only counted.",
        lua("group_take:take").swap("if #state[3] >= BEHIND_MOST then return false end", ""),
        (TAKE,),
    ),
    Mutant(
        "The stream of events grows past its bytes.",
        lua("trim_events").swap("<= followed.max_bytes", "<= 1e15"),
        (OPERATORS,),
    ),
    Mutant(
        "A worker says that a group is registered before every release follows what it said.",
        python("GroupReader.join").drop("await anyio.sleep(reply.wait_ms / 1000)"),
        (JOINING,),
    ),
    Mutant(
        "A try that failed is repeated for ever.",
        python("EventCall._failed").swap("EventOutcome.RETRY, delay_s", "EventOutcome.BACK, delay_s"),
        (HANDLERS,),
    ),
    Mutant(
        "A handler submits a job again when its event comes again.",
        python("EventSubmitter.submit").swap("deduplicates=True", "deduplicates=False"),
        (HANDLERS,),
    ),
    Mutant(
        "A queue that is new writes no events for the feeds that are open.",
        python("EventFeed.follow").swap("(REGISTRY, *wanted) if again else wanted", "wanted"),
        ("tests/groups/partition/test_joining.py",),
    ),
)
