"""Splitting the body of a batch into the texts of its jobs, whose number is bounded before they are made."""

import re
from itertools import islice
from typing import Any

import msgspec

from tidings.protocol.problems import problem_error

_LINE = re.compile(rb"\S[^\r\n]*")
"""A line with something on it, from the first thing on it."""


class BatchSplitter:
    """Splits a JSON array, or lines with a JSON object each (NDJSON), into at most so many texts and one.

    An array is read into a structure with a place for each job that may be, and one more: the parser passes over what
    follows, without an object for each of its millions of elements.
    """

    def __init__(self, most: int) -> None:
        """Prepare for batches of at most `most` jobs."""
        self._most = most
        places = [(f"job_{number}", msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for number in range(most + 1)]
        self._places = [name for name, _, _ in places]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("_Array", places, array_like=True)).decode

    def split(self, body: bytes) -> list[bytes]:
        """Return the texts of a batch.

        Raises:
            ProblemError: it is neither form, or holds no job, or more than may be.

        """
        stripped = body.strip()
        if stripped.startswith(b"["):
            texts = self._elements(stripped)
        else:
            texts = [line[0] for line in islice(_LINE.finditer(stripped), self._most + 1)]
        if not 1 <= len(texts) <= self._most:
            more = " or more" if texts else ""
            detail = f"{len(texts)} jobs{more}; a batch holds 1 to {self._most}: an array, or an object a line"
            raise problem_error("invalid_frame", detail, limit=self._most)
        return texts

    def _elements(self, array: bytes) -> list[bytes]:
        try:
            found: Any = self._decode(array)
        except (msgspec.DecodeError, RecursionError) as error:
            raise problem_error("invalid_frame", f"the body is not a JSON array: {error}") from error
        texts: list[bytes] = []
        for place in self._places:
            raw = getattr(found, place)
            if raw is msgspec.UNSET:
                break
            texts.append(bytes(raw))
        return texts
