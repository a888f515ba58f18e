"""Numbers of events as clients write them: in a query, in If-None-Match, in Last-Event-ID."""

import re

MAX_SEQ = 2**53 - 1
"""The highest number of an event: what a double holds exactly, as the store's scripts and JavaScript count in such."""

_NUMBER = re.compile(r"[0-9]{1,16}")


def event_number(text: str) -> int | None:
    """Return the number of an event; None: the text is none."""
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= MAX_SEQ else None
