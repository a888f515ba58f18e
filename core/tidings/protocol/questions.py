"""Questions: what a saga that waits for a signal would have a client ask its user.

The journal keeps a question as the input of the step that waits. Its schema is of the small subset that a client can
show as a form: an object with fields that are texts, numbers, yes or no, or a choice of texts.

Source: https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation
"""

from collections.abc import Callable
from typing import Any

import msgspec

VALUE = "value"
"""The one field of a form whose answer is no object."""


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question that a signal answers."""

    message: str = ""
    """What to ask; empty: the saga does not say."""
    schema: dict[str, Any]
    """JSON Schema of the form."""
    whole: bool = False
    """Whether the signal's value is the form's object; false: it is the form's field `value`."""


encode_question: Callable[[Question], bytes] = msgspec.json.Encoder().encode
decode_question: Callable[[bytes | str], Question] = msgspec.json.Decoder(Question).decode
