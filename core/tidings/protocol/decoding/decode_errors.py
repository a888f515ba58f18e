"""The problems of requests that are JSON, but not of the form that is due."""

from typing import Any

import msgspec

from tidings.protocol.frames.messages import FIELD_MEANINGS
from tidings.protocol.problems import ProblemError, problem_error

from .json_pointer import split_msgspec
from .name_suggestions import explain_unknown_field


def decode_problem(error: msgspec.ValidationError, type_: Any) -> ProblemError:
    """Return the refusal of a frame or body that was to be decoded as `type_`: what is wrong, and where."""
    message = str(error)
    unknown = explain_unknown_field(message, type_)
    if unknown is not None:
        what, where = unknown
        return problem_error("invalid_frame", what, field=where or None)
    what, where = split_msgspec(message)
    if what.startswith("Object missing required field `"):
        name = what.split("`")[1]
        return problem_error("invalid_frame", f"the field {name} is missing", field=f"{where}/{name}")
    return problem_error(
        "invalid_frame", FIELD_MEANINGS.get(where, what) if "regex" in what else what, field=where or None
    )
