"""Texts of a certain form, as the documents for programs tell them.

The form is told and not checked: what comes from a later release of Tidings may hold a value that this one does not
know, and is read all the same.
"""

from typing import Annotated

import msgspec

from .events import EventName
from .problems import CODES
from .states import State


def one_of(*values: str) -> msgspec.Meta:
    """Return what tells that a text is one of some."""
    return msgspec.Meta(extra_json_schema={"enum": [str(value) for value in values]})


StateText = Annotated[str, one_of(*State)]
"""The state of a job."""

EventText = Annotated[str, one_of(*EventName)]
"""The name of an event."""

CodeText = Annotated[str, one_of(*CODES)]
"""The code of a problem."""

MomentText = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A moment as RFC 3339 writes it."""
