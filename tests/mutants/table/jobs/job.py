"""A job's life in the store: fences, outcomes, places, idempotency and dead letters."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import HUB, MODEL, REPORT, SCHEDULE

MUTANTS = (
    Mutant(
        "A job is acknowledged when its work begins.",
        lua("start_attempt").swap(
            "(begun[job.tier] or 0) + 1", "(begun[job.tier] or 0) + 1 acknowledge(job.tier, job.entry)"
        ),
        ("tests/e2e/test_processes.py::test_a_job_whose_worker_is_killed_runs_again_elsewhere",),
    ),
    Mutant(
        "A worker whose job another has taken over may still report.",
        lua("report:write").cut("tonumber(job.fence) ~= fence or"),
        (REPORT, "tests/dead/test_replay.py"),
    ),
    Mutant(
        "A worker whose job another has taken over may still renew its lease.",
        lua("look").cut("and tonumber(current) == fence"),
        (REPORT, MODEL),
    ),
    Mutant(
        "A worker whose job another has taken over may still record a memo.",
        lua("once:recall").cut("or tonumber(held) ~= fence"),
        ("tests/broker/test_once.py",),
    ),
    Mutant(
        "The last record of a memo stands, not the first.",
        lua("once:recall").swap("'HSETNX'", "'HSET'"),
        ("tests/broker/test_once.py",),
    ),
    Mutant(
        "A report that was sent twice counts twice.",
        lua("report:write").drop("if job.fence and tonumber(job.fence) == fence and count_in(job.reported)"),
        (REPORT,),
    ),
    Mutant(
        "A report whose reply was lost is not sent again.",
        python("Reporter._answered").swap("self._put(report)", 'self._conclude("lost")'),
        ("tests/unit/worker/attempt/test_reporter.py",),
    ),
    Mutant(
        "The outcome is written, and its event is not published with it.",
        lua("settle").drop("tell_outcome(job, FINAL"),
        (HUB,),
    ),
    Mutant(
        "A job that has ended may begin again.",
        lua("NEXT").swap("succeeded = ' '", "succeeded = ' running '"),
        ("tests/broker/test_prelude.py",),
    ),
    Mutant(
        "A retry goes on although a client asked that the job stop.",
        lua("report:write").never("outcome and job.cancel"),
        (REPORT,),
    ),
    Mutant(
        "A job that is cancelled while it waits leaves its entry in the stream.",
        lua("leave_places").drop("acknowledge(job.tier, job.entry)"),
        (MODEL,),
    ),
    Mutant(
        "Workers do not hear of a job that is due before all others.",
        lua("conclude").drop("publish_soonest()"),
        (SCHEDULE,),
    ),
    Mutant(
        "Of jobs that are scheduled together workers hear of the first alone.",
        lua("note_due").cut("or due < soonest"),
        (SCHEDULE,),
    ),
    Mutant(
        "A job that is due is queued and stays in the schedule.",
        lua("move").drop("redis.call('ZREM', scheduled_key"),
        (MODEL,),
    ),
    Mutant(
        "A job that ends keeps its unique value.",
        lua("finish").swap("redis.call('DEL', unique_key(job.unique))", "job.unique = nil"),
        (MODEL,),
    ),
    Mutant(
        "A job that ends still counts against its caller.",
        lua("finish").drop("tally(job.caller, -1"),
        (MODEL,),
    ),
    Mutant(
        "One idempotency key may stand for two payloads.",
        lua("earlier").never("~= fingerprint"),
        (MODEL,),
    ),
    Mutant(
        "A replay leaves the letter where it is.",
        lua("replay").drop("redis.call('XDEL', dead_key"),
        ("tests/dead/test_replay.py",),
    ),
    Mutant(
        "After a failover that lost writes, sockets wait for numbers that the store no longer has.",
        python("Hub._repaired").swap("rewound=record.seq < after", "rewound=False"),
        (HUB,),
    ),
)
