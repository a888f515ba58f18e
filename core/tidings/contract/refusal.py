"""What a client is told of a request that is JSON, but not of the form that is due."""

from typing import Any

import msgspec

from .frame import MEANT
from .pointer import split_msgspec
from .problem import ProblemError, refuse
from .unknown import unknown_field


def explained(error: msgspec.ValidationError, type_: Any) -> ProblemError:
    """Return the refusal of a frame or body that was to be decoded as `type_`: what is wrong, and where."""
    message = str(error)
    unknown = unknown_field(message, type_)
    if unknown is not None:
        what, where = unknown
        return refuse("invalid_frame", what, field=where or None)
    what, where = split_msgspec(message)
    if what.startswith("Object missing required field `"):
        name = what.split("`")[1]
        return refuse("invalid_frame", f"the field {name} is missing", field=f"{where}/{name}")
    return refuse("invalid_frame", MEANT.get(where, what) if "regex" in what else what, field=where or None)
