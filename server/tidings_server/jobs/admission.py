"""Admission: whether a submission becomes a job, and which job."""

import msgspec

from tidings.protocol.frames.messages import Submission
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.timestamps import whole_ms
from tidings.protocol.tokens import Token, new_token
from tidings.store.jobs.job_builder import JobRequest, build_job
from tidings.store.jobs.job_store import NewJob
from tidings.store.keys import StoreKeys
from tidings.tracing.spans import Span
from tidings_server.auth.identity import Identity
from tidings_server.auth.owner_names import OwnerNames
from tidings_server.kinds.breaker_admission import BreakerAdmission
from tidings_server.kinds.catalog_updates import CatalogUpdates
from tidings_server.kinds.served_kinds import ServedKinds

from .client_answers import STORE_RETRY_S, UNSERVED
from .drain import Drain
from .job_spans import JobSpans
from .webhook_admission import WebhookAdmission

UNSERVED_RETRY_S = 10.0
"""When a client may try again that was refused because no worker serves the kind."""


class AdmittedJob(msgspec.Struct):
    """A submission that may go to the store."""

    token: Token
    """It becomes another where the queue's placement turns out to be another."""
    job: NewJob
    span: Span | None
    """Of the submission, if it is traced; it ends with the store's reply."""
    degraded: str
    """How the service falls short for the job at the moment; empty: it does not."""
    asked_first: tuple[str, ...] = ()
    """The partitions in which its key may be known by earlier placements."""
    earlier: Token | None = None
    """That of the job with its key, where an earlier placement of the queue has put that; None: none is known."""


class Admission:
    """Checks submissions: the drain, the credential, the kind, the input, the breakers."""

    def __init__(
        self,
        catalog: CatalogUpdates,
        breakers: BreakerAdmission,
        served_kinds: ServedKinds,
        spans: JobSpans,
        drain: Drain,
        owner_names: OwnerNames,
        webhooks: WebhookAdmission,
        unserved_grace_s: float,
    ) -> None:
        """Prepare.

        Args:
            catalog: the kinds that workers registered, and where their jobs go.
            breakers: the breakers of these kinds.
            served_kinds: the kinds that workers serve at the moment.
            spans: traces the submissions.
            drain: refuses them when this process leaves.
            owner_names: names the owner for whom a delegate submits.
            webhooks: decides where their events go.
            unserved_grace_s: how long after its last worker a kind is still accepted, s.

        """
        self._owner_names = owner_names
        self._updates = catalog
        self._breakers = breakers
        self._served_kinds = served_kinds
        self._spans = spans
        self._drain = drain
        self._webhooks = webhooks
        self._partition_choice = catalog.partition_choice
        self._unserved_grace_s = unserved_grace_s

    def require_catalog(self) -> None:
        """Refuse what needs the kinds while the registry has not been read.

        Raises:
            ProblemError: `store_unavailable`.

        """
        if not self._updates.known.is_set():
            raise problem_error("store_unavailable", "the store has not been reached yet", retry_after=STORE_RETRY_S)

    def admit(self, submission: Submission, identity: Identity, caller: str, *, watch: bool) -> AdmittedJob:
        """Check a submission and give it a token.

        Args:
            submission: what is asked for.
            identity: who asks; the owner of the job, who alone may watch and cancel it, beside admins, unless the
                submission names another.
            caller: whose jobs it counts among (`caller_of`).
            watch: whether the submitter listens to its events.

        Raises:
            ProblemError: the submission is refused; names the field and what to do.

        """
        self._drain.refuse()
        if watch:
            identity.require("watch")
        identity.require_kind(submission.kind)
        owner = identity.owner
        if submission.owner is not None:
            owner = caller = self._delegated(submission.owner, identity)
        self.require_catalog()
        catalog = self._updates.catalog
        kind, value = catalog.check(submission)
        record = kind.record
        self._breakers.admit(record)
        self._refuse_unserved(record)
        placed_by_key = submission.key and self._partition_choice.placements
        key = StoreKeys.dedup_suffix(owner, record.kind, submission.key) if placed_by_key and submission.key else ""
        place = self._partition_choice.place_key(record.queue, record.kind, key) if key else None
        token = new_token(self._partition_choice.partition_of(record) if place is None else place.partition)
        traceparent, tracestate, span = self._spans.begin(submission, record.kind, token, identity.owner)
        request = JobRequest(
            id=token.id,
            input=submission.input,
            owner=owner,
            caller=caller,
            correlation_id=submission.correlation_id or "",
            traceparent=traceparent,
            tracestate=tracestate,
            key=submission.key or "",
            deduplicates=bool(submission.key),
            tier=submission.tier,
            priority=submission.priority or 0,
            delay_ms=int(submission.delay * 1000) if submission.delay else 0,
            at_ms=int(submission.at.timestamp() * 1000) if submission.at else 0,
            deadline_ms=whole_ms(submission.deadline) if submission.deadline else 0,
            tags=" ".join(dict.fromkeys(submission.tags)) if submission.tags else "",
            webhook=self._webhooks.field(submission.webhook, record, owner),
            watch=watch,
        )
        job = build_job(kind, request, value, None if kind.plain else catalog.fallback(record, value))
        degraded = self._degraded(job, kind.record)
        if place is None:
            return AdmittedJob(token, job, span, degraded)
        return AdmittedJob(token, msgspec.structs.replace(job, epoch=place.epoch), span, degraded, place.asked_first)

    def _delegated(self, subject: str, identity: Identity) -> str:
        """Return the owner for whom `identity` submits.

        Raises:
            ProblemError: `forbidden`: it may not submit for others; `invalid_frame`: the subject is none.

        """
        if not identity.allows("delegate"):
            raise ProblemError(msgspec.structs.replace(identity.lack("delegate").problem, field="/owner"))
        return self._owner_names.of_subject(subject, "invalid_frame", "/owner")

    def _refuse_unserved(self, record: KindRecord) -> None:
        """Refuse a kind that no worker has served for longer than the grace.

        Raises:
            ProblemError: `unserved`.

        """
        unserved_s = self._served_kinds.unserved_s(record.kind)
        if unserved_s > self._unserved_grace_s:
            raise problem_error(
                "unserved",
                f"no worker has served the kind {record.kind} for {unserved_s:.0f} s; start one that does",
                field="/kind",
                limit=self._unserved_grace_s,
                retry_after=UNSERVED_RETRY_S,
            )

    def _degraded(self, job: NewJob, record: KindRecord) -> str:
        if self._breakers.is_open(record):
            return "circuit_open"
        return "" if self._served_kinds.serves(record, job.tier) else UNSERVED
