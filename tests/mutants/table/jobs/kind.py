"""Kinds of jobs, their schemas, and recurring ones."""

from mutants.change import lua, python, script
from mutants.mutant import Mutant

RULES = "tests/unit/compatibility/test_rules.py"

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
        ("tests/store/upkeep/test_retirement.py",),
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
        (RULES,),
    ),
    Mutant(
        "The check takes the old inputs for the new ones.",
        python("compare_kind").swap("_schemas(old.input, new.input)", "_schemas(new.input, old.input)"),
        (RULES,),
    ),
    Mutant(
        "A change without an upcast is allowed by itself.",
        python("kind_changes:_level").swap("new.version > old.version", "new.version >= old.version"),
        (RULES,),
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
    Mutant(
        "A result that loses a field passes for a sound change.",
        python("compare_kind").swap("_schemas(new.result, old.result)", "_schemas(old.result, new.result)"),
        (RULES,),
    ),
    Mutant(
        "A kind that does not say any more what its results are breaks no reader.",
        python("compare_kind").never('side != "input" and given is None'),
        (RULES,),
    ),
    Mutant(
        "A raised version without an upcast is reported to none.",
        python("compare_kind").never("(new.oldest_version or new.version) > old.version"),
        (RULES,),
    ),
    Mutant(
        "A kind may move to another queue in silence.",
        python("compare_kind").never("new.queue != old.queue"),
        (RULES,),
    ),
    Mutant(
        "A kind that is gone breaks nothing.",
        python("compare_kinds").drop('"kind_gone", "breaking"'),
        (RULES,),
    ),
    Mutant(
        "An optional field that is new breaks old inputs, which may have another of that name.",
        python("containment").swap("closed(given)", "dict(given)"),
        (RULES, "tests/unit/compatibility/test_agreement.py"),
    ),
    Mutant(
        "What only the engine finds passes.",
        python("kind_changes:_side").never("not ways and answer is Containment.NO"),
        (RULES,),
    ),
    Mutant(
        "A type that stands in two places of an input is named in one.",
        python("_SchemaWalk.compare").swap("self._under_way.remove(pair)", "pass"),
        (RULES,),
    ),
    Mutant(
        "Schemas without bounds are compared.",
        python("kind_changes:_side").drop("check_bounds(given)"),
        (f"{RULES}::test_schemas_without_bounds_are_not_compared",),
    ),
    Mutant(
        "The record that a registration replaces is gone.",
        script("kinds_write").drop("redis.call('HSET', before_key"),
        ("tests/versions/test_registration.py",),
    ),
    Mutant(
        "A registration that changes nothing forgets what the last one changed.",
        script("kinds_write").swap("before ~= record", "true"),
        ("tests/versions/test_registration.py",),
    ),
    Mutant(
        "Operators see a change of a kind backwards.",
        python("changed_kind").swap("compare_kind(one.before, one.now)", "compare_kind(one.now, one.before)"),
        ("tests/console/test_kind_changes.py",),
    ),
    Mutant(
        "A generator may yield what its followers do not know, and the check is silent.",
        python("compare_kind").swap("_schemas(new.chunk, old.chunk)", "_schemas(new.chunk, new.chunk)"),
        (RULES,),
    ),
    Mutant(
        "A kind that yields nothing is registered otherwise than by the release before.",
        python("Job.record").swap("msgspec.UNSET if chunk is None", "msgspec.Raw(b'null') if chunk is None"),
        ("tests/streams/test_handlers.py",),
    ),
)
