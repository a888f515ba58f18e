"""Batches of scripts, what they weigh, deadlines, and jobs whose entry has vanished."""

from mutants.change import lua, python
from mutants.mutant import Mutant
from mutants.table.files import MODEL

MUTANTS = (
    Mutant(
        "One item's fault fails its whole batch.",
        lua("for_each").swap("pcall(handle, item)", "true, handle(item)"),
        ("tests/broker/test_faults.py",),
    ),
    Mutant(
        "A number of an event is written as Lua writes large ones.",
        lua("read_log").swap("string.format('%.0f', after)", "after"),
        ("tests/broker/test_faults.py",),
    ),
    Mutant(
        "A record that cannot be read stays in the queue.",
        lua("try_start").drop("acknowledge(tier, entry)"),
        ("tests/broker/test_faults.py",),
    ),
    Mutant(
        "An answer of the store has no bound.",
        lua("answer").drop("if bytes >= budget"),
        ("tests/broker/test_reading.py",),
    ),
    Mutant(
        "The server reads a log whole in one call.",
        lua("PAGE_BYTES").swap("262144", "2621440000"),
        ("tests/broker/test_reading.py",),
    ),
    Mutant(
        "A script takes the number of a large text for the text.",
        lua("place_texts").never("type(item[field]) == 'number'"),
        ("tests/broker/test_large_texts.py",),
    ),
    Mutant(
        "A large text takes the place of the channels' prefix.",
        python("_ScriptCall.__init__").swap("(*more, *_NO_MORE[len(more) :], *texts)", "(*more, *texts)"),
        ("tests/broker/test_large_texts.py",),
    ),
    Mutant(
        "The server sends clients a large result that is no text.",
        python("check_record_json").drop("record.large_result.decode()"),
        ("tests/broker/test_large_texts.py",),
    ),
    Mutant(
        "A batch is cut by number alone.",
        python("Batcher._fitting").drop("room -= size(item)"),
        ("tests/broker/test_submit.py",),
    ),
    Mutant(
        "The server asks equal questions one by one.",
        python("JobStore._reader").swap('verb, BatchOptions(join=verb == "read")', "verb, BatchOptions(join=False)"),
        ("tests/broker/test_reading.py",),
    ),
    Mutant(
        "One caller's large answers take the whole answer budget.",
        python("AnswerBudget._fits").never("of_caller and of_caller + grant.size"),
        ("tests/unit/server/watch/test_answer_budget.py",),
    ),
    Mutant(
        "A caller's jobs are counted, and their bytes are not.",
        lua("refuse").swap("bytes_now + bytes <= max_bytes", "bytes_now + bytes <= math.huge"),
        ("tests/broker/test_submit.py",),
    ),
    Mutant(
        "The bytes of a job that has ended still count.",
        lua("finish").swap("tally(job.caller, -1, job.size)", "tally(job.caller, -1)"),
        ("tests/broker/test_submit.py", MODEL),
    ),
    Mutant(
        "A deadline counts only when a worker takes the job.",
        lua("expire_late").replace("local late =", "local late = {}"),
        ("tests/store/upkeep/test_deadlines.py",),
    ),
    Mutant(
        "A deadline of less than a ms is none.",
        python("whole_ms").replace("math.ceil(round(seconds", "return int(seconds * 1000)"),
        ("tests/store/upkeep/test_deadlines.py",),
    ),
    Mutant(
        "An idempotency key is forgotten with its job's record.",
        lua("earlier").swap("return { 'duplicate', id, 'unknown', 0, 0, 0 }", "return nil"),
        ("tests/broker/test_submit.py",),
    ),
    Mutant(
        "The databases of one store hear each other.",
        python("Store.channel_prefix").replace('f"db{database}:"', 'return ""'),
        ("tests/store/test_databases.py",),
    ),
    Mutant(
        "What groups of one installation follow is written for another in the same store.",
        lua("recall_followed").swap("local known", "local channels = string.match(channels, '{.*')\nlocal known"),
        ("tests/store/test_key_prefix.py",),
    ),
    Mutant(
        "An operator's command looks at the installation with the default prefix.",
        python("with_store").swap(", key_prefix=settings.key_prefix", ""),
        ("tests/store/test_key_prefix.py",),
    ),
    Mutant(
        "A key prefix may hold what moves the slot of a partition.",
        python("check_key_prefix").swap("if wrong", "if not prefix"),
        ("tests/store/test_key_prefix.py",),
    ),
    Mutant(
        "No sweep finds a job whose entry has vanished.",
        lua("sweep_entry").replace("lost = lost + 1", "if true then return end"),
        ("tests/store/upkeep/test_sweep.py",),
    ),
    Mutant(
        "The sweep takes a job without its entry from a worker that lives.",
        lua("mark_vanished").swap(
            "'HSET', job_key(jobs[some[i]]), 'vanished', now",
            "'HSETNX', job_key(jobs[some[i]]), 'vanished', now - 3600000",
        ),
        ("tests/store/upkeep/test_sweep.py",),
    ),
    Mutant(
        "A record becomes a compact one although that has no place for all of it.",
        lua("load_whole").drop("if not KEPT_OR_SPENT"),
        ("tests/record/test_compact_record.py",),
    ),
    Mutant(
        "A worker leaves compact records without being told so.",
        lua("report:load").swap("compact == 1 and outcome.state", "outcome.state"),
        ("tests/record/test_compact_record.py",),
    ),
    Mutant(
        "A compact record stays for ever.",
        lua("finish").swap(", 'PX', ttl", ""),
        ("tests/record/test_compact_record.py",),
    ),
    Mutant(
        "A compact record forgets which report ended the job.",
        lua("compact_text").swap("number_in(job.reported)", "0"),
        ("tests/record/test_compact_record.py",),
    ),
    Mutant(
        "A record of a job that ended keeps what no reader uses.",
        lua("finish").swap(", 'call', 'size'", ""),
        ("tests/record/test_bytes.py",),
    ),
)
