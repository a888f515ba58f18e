r"""Types of the fields of frames, with what JSON Schema says of them.

Patterns end in ``$(?!\n)``: Python's ``$`` also matches before a final line break, that of JSON Schema does not.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from .kinds.kind_record import KIND_PATTERN
from .tokens import QUEUE_PATTERN

YEAR_S = 31_536_000

KEY_PATTERN = r"^[!-~]{1,255}$(?!\n)"
"""What an idempotency key may be: 1 to 255 visible ASCII characters."""

TAG_PATTERN = r"^[!-~]{1,64}$(?!\n)"
"""What a tag may be: 1 to 64 visible ASCII characters."""

MAX_TAGS = 8
"""Tags of one job."""

OWNER_PATTERN = r"^[ -~\u00a0-\ud7ff\ue000-\U0010ffff]{1,255}$(?!\n)"
"""What a subject may be (OpenID Connect Core, section 2): 1 to 255 printable characters."""

Ref = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""The client's own number for one of its frames."""
Kind = Annotated[str, msgspec.Meta(pattern=KIND_PATTERN)]
"""The name of a kind."""
Queue = Annotated[str, msgspec.Meta(pattern=QUEUE_PATTERN)]
"""The name of a queue or of a tier."""
Key = Annotated[str, msgspec.Meta(pattern=KEY_PATTERN)]
"""An idempotency key."""
Tag = Annotated[str, msgspec.Meta(pattern=TAG_PATTERN)]
"""A tag of a job."""
Tags = Annotated[list[Tag], msgspec.Meta(max_length=MAX_TAGS)]
"""The tags of a job."""
Seconds = Annotated[float, msgspec.Meta(ge=0, le=YEAR_S)]
"""A duration in seconds, at most a year."""
Lifetime = Annotated[float, msgspec.Meta(gt=0, le=YEAR_S)]
"""A duration in seconds that is not 0, at most a year."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its offset from UTC."""
PlainText = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,256}$(?!\n)")]
"""1 to 256 printable ASCII characters."""
OwnerText = Annotated[str, msgspec.Meta(pattern=OWNER_PATTERN)]
"""A subject: whose jobs some are."""
TokenText = Annotated[str, msgspec.Meta(max_length=128)]
"""A job's token."""
JsonObject = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "object"})]
"""A JSON object, not decoded."""
Progress = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        extra_json_schema={
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "fraction": {
                            "description": "How much is done, 0 to 1; null: not known.",
                            "anyOf": [{"type": "number"}, {"type": "null"}],
                        },
                        "message": {
                            "description": "What is being done, for people; null: the handler does not say.",
                            "anyOf": [{"type": "string"}, {"type": "null"}],
                        },
                        "data": {"description": "What the handler adds: any JSON."},
                    },
                },
                {"type": "null"},
            ]
        }
    ),
]
"""The newest progress of a job, not decoded; its schema is for readers of the documents."""
