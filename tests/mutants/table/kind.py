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
        "A worker puts a job that it does not serve back into the stream that all workers read.",
        lua("put_back").swap("if outcome.unserved then", "if false then"),
        ("tests/versions/test_lines.py",),
    ),
    Mutant(
        "A worker runs a job of a version that it does not know.",
        python("Upcasts.takes").swap("self.oldest <= version <= self.version", "self.oldest <= version"),
        ("tests/unit/declare/test_upcasts.py",),
    ),
    Mutant(
        "A lane gives a job to a worker that does not serve it.",
        lua("start:start").never("not served"),
        ("tests/versions/test_lines.py",),
    ),
    Mutant(
        "A lost worker does not count where the next one does not serve the kind.",
        lua("wait_for_kind").swap("job.lost + 1", "job.lost"),
        ("tests/versions/test_lines.py",),
    ),
    Mutant(
        "A worker takes jobs of another version out of their line.",
        lua("tier_in").swap("(own and versions[2] or versions[1]) <= version and version <= versions[2]", "true"),
        ("tests/versions/test_lines.py",),
    ),
    Mutant(
        "An old worker's record of a kind replaces that of a newer version.",
        python("Registry._outdated").swap("stored < versions[name]", "stored != versions[name]"),
        ("tests/versions/test_registration.py",),
    ),
    Mutant(
        "A kind's record of a version that no worker serves stands for ever.",
        python("Registry._outdated").never("not any("),
        ("tests/versions/test_registration.py",),
    ),
    Mutant(
        "A server accepts for ever what no worker serves.",
        python("Admission._refuse_unserved").never("unserved_s > self._unserved_grace_s"),
        ("tests/versions/test_mixed_workers.py",),
    ),
    Mutant(
        "A field that becomes required passes for a sound change.",
        python("differences:_compare_objects").never("name not in always"),
        ("tests/unit/compatibility/test_rules.py",),
    ),
    Mutant(
        "The check takes the old inputs for the new ones.",
        python("compare_kind").swap("_schemas(old.input, new.input)", "_schemas(new.input, old.input)"),
        ("tests/unit/compatibility/test_rules.py",),
    ),
    Mutant(
        "A change without an upcast is allowed by itself.",
        python("kind_changes:_level").swap("new.version > old.version", "new.version >= old.version"),
        ("tests/unit/compatibility/test_rules.py",),
    ),
    Mutant(
        "A worker starts whose kinds break what is queued.",
        python("check_with_store").never('policy == "refuse"'),
        ("tests/versions/test_schema_check.py",),
    ),
    Mutant(
        "A deploy cannot be taken back.",
        python("breaking_changes").swap("if one.kind not in again", ""),
        ("tests/versions/test_schema_check.py",),
    ),
)
