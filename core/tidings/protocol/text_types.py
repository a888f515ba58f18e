"""Texts of a certain form, as the documents for programs describe them.

The schema has the form, and no decoder checks it: a text from a later release of Tidings may hold a value that this one
does not know, and a client reads it all the same.
"""

from typing import Annotated

import msgspec

from .events import EventName, StreamEvent
from .problems import CODES
from .states import State


def one_of(*values: str) -> msgspec.Meta:
    """Return the schema of a text that is one of some."""
    return msgspec.Meta(extra_json_schema={"enum": [str(value) for value in values]})


StateText = Annotated[str, one_of(*State)]
"""The state of a job."""

EventText = Annotated[str, one_of(*EventName, *StreamEvent)]
"""The name of an event."""

CodeText = Annotated[str, one_of(*CODES)]
"""The code of a problem."""

MomentText = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A moment as RFC 3339 writes it."""
