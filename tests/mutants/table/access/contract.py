"""What releases promise each other and their clients, and the manners of HTTP."""

from mutants.change import python
from mutants.mutant import Mutant

E2E = "tests/e2e/test_http.py"

MUTANTS = (
    Mutant(
        "An answer does not say which preferences it follows.",
        python("Preferences.applied").swap('{"preference-applied": ", ".join(names)} if names else {}', "{}"),
        ("tests/unit/server/web/request/test_preferences.py",),
    ),
    Mutant(
        "An idempotency key in quotes is another key.",
        python("with_headers").drop('given["key"] = plain_text(given["key"])'),
        (f"{E2E}::test_an_idempotency_key_in_quotes_is_the_same_key",),
    ),
    Mutant(
        "A query that gives a parameter under both its names is answered by one of them.",
        python("allow_parameters.checked").swap("meant in request.query_params", "not name"),
        (f"{E2E}::test_starting_after_is_another_name_of_after",),
    ),
    Mutant(
        "The server tells every client of what is deprecated, used or not.",
        python("_DeprecatedRoute._used").swap("not name or name in Request(scope).query_params", "True"),
        ("tests/unit/server/web/test_deprecations.py",),
    ),
    Mutant(
        "The libraries of two releases have one name.",
        python("build_library").swap("digest.hexdigest()[:12]", "'scripts'"),
        ("tests/compatibility/test_libraries.py",),
    ),
    Mutant(
        "A schema of the contract refers to what stands elsewhere.",
        python("_standalone").swap("if needed else {}", "if not needed else {}"),
        ("tests/unit/server/openapi/test_schema_documents.py",),
    ),
)
