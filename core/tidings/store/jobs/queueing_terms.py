"""The conditions under which the jobs of a kind are queued and started, for servers and workers that submit them."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tidings.protocol.kinds.input_template import InputTemplate
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import problem
from tidings.protocol.timestamps import whole_ms

from .job_store import FallbackJob, QueueingTerms

SHED_PROBLEM = msgspec.json.encode(
    problem(
        "shed",
        "too much waits here: this job was dropped, before its work began, for one that matters more or is newer",
    )
).decode()
"""How a job ends that is shed."""


class KindTerms:
    """What the record of one kind says, ready to be asked for every job."""

    def __init__(self, record: KindRecord) -> None:
        self.record = record
        schema = msgspec.json.decode(record.input) if record.limit_by or record.unique is not None else {}
        self._limit_by = InputTemplate.of(record.limit_by, schema) if record.limit_by else None
        self._unique = InputTemplate.of(record.unique, schema) if record.unique is not None else None
        self.plain: bool = record.limit is None and record.max_eta is None
        """Whether its jobs have no conditions."""

    @property
    def reads_input(self) -> bool:
        """Whether a job's input decides on its tier, its limit or its unique value."""
        return self.record.route is not None or self._unique is not None or not self.plain

    def tier(self, value: Mapping[str, Any], size: int, asked: str | None = None) -> str:
        """Return the tier of a job: the one asked for, or what its input says.

        Args:
            value: the input.
            size: of the input as JSON, bytes.
            asked: one of the kind's tiers; None: any.

        """
        record = self.record
        if asked is not None or record.route is None:
            return asked or record.tier
        return record.route.tier(value, size)

    def unique_value(self, value: Mapping[str, Any]) -> str:
        """Return what makes an input the same work as another of its kind; empty: nothing does.

        A long value is replaced by its digest.
        """
        return "" if self._unique is None else self._unique.value(value)

    def limit(self, value: Mapping[str, Any]) -> str:
        """Return the limit that a job counts for; empty: none."""
        if self.record.limit is None:
            return ""
        if self._limit_by is None:
            return self.record.kind
        return f"{self.record.kind}:{self._limit_by.value(value)}"

    def terms(
        self, value: Mapping[str, Any], priority: int, fallback: FallbackJob | Literal[False] = False
    ) -> QueueingTerms | Literal[False]:
        """Return a job's terms; false: it has none."""
        if self.plain:
            return False
        return QueueingTerms(
            limit=self.limit(value),
            priority=priority,
            max_eta_ms=whole_ms(self.record.max_eta or 0),
            shed=SHED_PROBLEM if self.record.when_busy == "shed" else "",
            fallback=fallback,
        )
