"""What operators see and do, and the pages."""

from mutants.change import javascript, lua, python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "Every client may do what operators may.",
        python("admin_routes.look").cut(', "admin"'),
        ("tests/console/test_scope.py",),
    ),
    Mutant(
        "The chronicle is cut by entries, not by jobs.",
        lua("write_finished").swap("'MINID', '~', math.max(total - finished_kept, 0)", "'MAXLEN', '~', finished_kept"),
        ("tests/console/test_chronicle.py",),
    ),
    Mutant(
        "A worker says of a job that ends when it started, where the chronicle holds when it was queued.",
        python("history_text").swap("started.started_ms - started.waited_ms", "started.started_ms"),
        ("tests/console/test_chronicle.py",),
    ),
    Mutant(
        "The workers of a paused queue still take jobs that come while they wait.",
        python("Queue.pause").drop("self._store.interrupt()"),
        ("tests/console/test_acts.py",),
    ),
    Mutant(
        "A refused act of an operator leaves no trace.",
        python("Authorizer._admit").replace(
            "request.state.owner = identity.owner", "if scope is None:\n    request.state.owner = identity.owner"
        ),
        ("tests/console/test_acts.py",),
    ),
    Mutant(
        "The operators' view of a job leaves out an empty list.",
        python("JobDetail.history").swap(
            "list[PastAttempt]", "list[PastAttempt] = msgspec.field(default_factory=list)"
        ),
        ("tests/browser/console/test_console_states.py::test_a_job_in_any_state_has_a_page",),
    ),
    Mutant(
        "Jobs that run are searched among all that wait.",
        python("_PLACES").cut('State.RUNNING: ("held",),'),
        ("tests/console/test_search.py::test_few_among_many_are_all_on_the_first_page",),
    ),
    Mutant(
        "A page of a search that is cut short does not say so.",
        python("JobSearch.jobs").swap("incomplete=len(found) < limit", "incomplete=False"),
        ("tests/console/test_search.py::test_a_page_is_short_only_at_the_end_or_where_it_says_that_it_is_incomplete",),
    ),
    Mutant(
        "The page of the demo stands at / of every server.",
        python("_routes").swap("match runtime.settings.page", 'match "demo"'),
        ("tests/browser/test_kinds_page.py::test_a_setting_says_what_stands_there",),
    ),
    Mutant(
        "A file and its compressed form have one entity tag.",
        python("StaticPages._compressed").swap("""f'{tag[:-1]}-gzip"'""", "tag"),
        ("tests/server/test_compression.py",),
    ),
    Mutant(
        "A client that refuses gzip gets it.",
        python("accepts_gzip").swap("float(weight) > 0", "float(weight) >= 0"),
        ("tests/server/test_compression.py",),
    ),
    Mutant(
        "The problem of a field stands at none.",
        javascript("SchemaForm.complain").drop('"aria-invalid", "true"'),
        ("tests/browser/test_kinds_page.py",),
    ),
)
