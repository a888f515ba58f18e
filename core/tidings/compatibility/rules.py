"""The rules by which a changed kind breaks something: one table, from which command, worker, docs and tests come."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

QUEUED = "queued inputs"
CLIENTS = "clients"
READERS = "readers of results"
FOLLOWERS = "readers of streams"


class Rule(NamedTuple):
    """One way in which a change breaks something."""

    says: str
    """What has changed, as the beginning of a sentence."""
    breaks: tuple[str, ...]
    """Whom."""
    advice: str
    """What the author of the kind does about it."""


_UPCAST = "raise the version, and give the old one an upcast"
_BOTH = (QUEUED, CLIENTS)
_RESULT = "raise the version when all readers can take both forms"

_OF_RESULTS: Final = {
    "result_field_gone": Rule("a result need not have a field any more", (READERS,), f"go on to give it; or {_RESULT}"),
    "result_field_added": Rule("a result may have a field that readers refuse", (READERS,), _RESULT),
    "result_type_widened": Rule("a result may have more types", (READERS,), _RESULT),
    "result_enum_extended": Rule("a result may have more values", (READERS,), _RESULT),
    "result_bound_loosened": Rule("a result has a looser bound", (READERS,), _RESULT),
    "result_form_changed": Rule("a result may have another form", (READERS,), _RESULT),
    "result_widened": Rule("a result may be what no old one was", (READERS,), _RESULT),
    "result_undeclared": Rule(
        "the kind does not say any more what its results are", (READERS,), "annotate what the handler returns"
    ),
}


def _of_chunk(rule: Rule) -> Rule:
    """Return the rule of a chunk that a generator yields: as that of a result, for those who read the stream."""
    says = rule.says.replace("a result", "a chunk").replace("its results are", "its chunks are")
    return Rule(says, (FOLLOWERS,), rule.advice.replace("handler returns", "generator yields"))


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "input_field_required": Rule(
            "an input must have a field that it need not have had", _BOTH, f"give it a default; or {_UPCAST}"
        ),
        "input_field_gone": Rule("an input may not have a field any more", _BOTH, f"go on to accept it; or {_UPCAST}"),
        "input_type_narrowed": Rule("an input may have fewer types", _BOTH, f"accept both; or {_UPCAST}"),
        "input_enum_shortened": Rule("an input may have fewer values", _BOTH, f"go on to accept them; or {_UPCAST}"),
        "input_bound_tightened": Rule("an input has a tighter bound", _BOTH, f"check it in the handler; or {_UPCAST}"),
        "input_form_changed": Rule("an input must have another form", _BOTH, f"accept both; or {_UPCAST}"),
        "input_narrowed": Rule("not every old input is allowed any more", _BOTH, _UPCAST),
        **_OF_RESULTS,
        **{code.replace("result_", "chunk_"): _of_chunk(rule) for code, rule in _OF_RESULTS.items()},
        "queue_changed": Rule(
            "the kind has another queue, and what waits in the old one stays there",
            (QUEUED,),
            "raise the version, and leave a worker of the old release until the old queue is empty",
        ),
        "upcast_missing": Rule(
            "the version is newer, and inputs of the old one are not accepted",
            (QUEUED,),
            "give the old version an upcast, or leave a worker of the old release until they are done",
        ),
        "version_lowered": Rule(
            "the version is older, and inputs of the newer one wait",
            (QUEUED,),
            "to take a deploy back, go on; else raise the version",
        ),
        "kind_gone": Rule(
            "the kind is gone", _BOTH, "have clients stop submitting it, let its jobs end, then deploy without it"
        ),
    }
)
"""Code → rule. A code may be added, never given another meaning: continuous integration may name it."""

ALLOWED_BY_VERSION: Final = frozenset(
    code for code in RULES if code.startswith(("input_", "result_", "chunk_", "queue_"))
)
"""What a raised version allows: jobs and clients can tell the old form from the new one."""

NOTICES: Final = frozenset({"upcast_missing", "version_lowered"})
"""What the check reports and never refuses: each is a way to deploy, or to take a deploy back."""

OF_WAYS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("input", "required"): "input_field_required",
        ("input", "unknown"): "input_field_gone",
        ("input", "type"): "input_type_narrowed",
        ("input", "enum"): "input_enum_shortened",
        ("input", "bound"): "input_bound_tightened",
        ("input", "form"): "input_form_changed",
        ("result", "required"): "result_field_gone",
        ("result", "unknown"): "result_field_added",
        ("result", "type"): "result_type_widened",
        ("result", "enum"): "result_enum_extended",
        ("result", "bound"): "result_bound_loosened",
        ("result", "form"): "result_form_changed",
        ("chunk", "required"): "chunk_field_gone",
        ("chunk", "unknown"): "chunk_field_added",
        ("chunk", "type"): "chunk_type_widened",
        ("chunk", "enum"): "chunk_enum_extended",
        ("chunk", "bound"): "chunk_bound_loosened",
        ("chunk", "form"): "chunk_form_changed",
    }
)
"""The side of a kind and the way of a difference → the code of its rule."""
