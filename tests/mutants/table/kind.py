"""Kinds of jobs, their schemas, and recurring ones."""

from mutants.change import lua, python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "A kind that a server cannot use ends the server.",
        python("KindCatalog.__init__").swap("except Exception", "except ZeroDivisionError"),
        ("tests/hostile/test_registry.py",),
    ),
    Mutant(
        "A worker registers patterns that servers read otherwise.",
        python("check_kinds").drop("check_patterns(job.input.schema)"),
        ("tests/worker/test_fitness.py",),
    ),
    Mutant(
        "A worker decodes leniently what strict decoding refuses.",
        python("decode").replace(
            "whole = msgspec.json.encode(integral",
            "return msgspec.json.decode(raw, type=type_, dec_hook=_decode_foreign, strict=False)",
        ),
        ("tests/unit/schema/test_agreement.py",),
    ),
    Mutant(
        "A server does not check how dates and ids are written.",
        python("validation:_compile").swap("validate_formats=True", "validate_formats=False"),
        ("tests/unit/server/kinds/test_kind_catalog.py",),
    ),
    Mutant(
        "NaN reaches clients as null.",
        python("_of_number").always("math.isfinite(number)"),
        ("tests/unit/schema/test_lossless.py",),
    ),
    Mutant(
        "A time that clocks skip is no tick.",
        python("_moments").replace("return [] if follows_clock", "return []"),
        ("tests/unit/declare/test_cron_days.py",),
    ),
    Mutant(
        "A kind retires although jobs wait that need it.",
        python("KindRetirement._waits").swap("one.waiting or one.running or one.scheduled", "one.running"),
        ("tests/store/test_retirement.py",),
    ),
    Mutant(
        "A job whose kind no worker serves counts as delayed.",
        lua("put_back").never("not is_retry and delay > 0"),
        ("tests/e2e/test_unserved.py",),
    ),
)
