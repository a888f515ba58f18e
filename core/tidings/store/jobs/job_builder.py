"""How a submission becomes a `NewJob`: for a client's submission in the server, for a saga's child in the worker."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.timestamps import whole_ms
from tidings.store.keys import StoreKeys
from tidings.store.redis.encoding.script_arguments import text_of

from .job_store import FallbackJob, NewJob, QueueingTerms
from .queueing_terms import KindTerms


class JobRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitter asks for, beside the kind of the job."""

    id: str
    """The id of the new job."""
    input: msgspec.Raw
    """JSON text of an object; the worker gets it as it is."""
    owner: str
    """Who may watch and cancel the job, beside admins."""
    caller: str = ""
    """Whose live jobs it counts among; empty: it is not counted."""
    correlation_id: str = ""
    traceparent: str = ""
    tracestate: str = ""
    key: str = ""
    """The idempotency key, which the worker sees; empty: none was given."""
    deduplicates: bool = False
    """Whether the store answers a second submission with the same key by the first job. A saga's child needs no such
    record: its id follows from its saga and its step."""
    depth: int = 0
    """How many sagas stand above the job."""
    parent: str = ""
    """Token and step of the saga that calls it, with a space between; empty: none calls it."""
    tier: str | None = None
    """One of the kind's tiers; None: the kind's own, or what its rule says."""
    priority: int = 0
    delay_ms: int = 0
    at_ms: int = 0
    deadline_ms: int = 0
    tags: str = ""
    """With a space between each two."""
    webhook: str = ""
    """As in `NewJob`."""
    watch: bool = False
    """Whether the process that submits the job listens to its events from the first on."""


def build_job(
    kind: KindTerms, request: JobRequest, value: Mapping[str, Any], fallback: KindTerms | None = None
) -> NewJob:
    """Return the job that the store is asked to accept.

    Args:
        kind: the conditions of the job's kind.
        request: what is asked for.
        value: the input, decoded; may be empty where `kind.reads_input` is false and the request deduplicates nothing.
        fallback: the kind that may answer in its place where it would wait too long; None: there is none.

    """
    record = kind.record
    envelope = Envelope(
        kind=record.kind,
        input=request.input,
        version=record.version,
        correlation_id=request.correlation_id,
        traceparent=request.traceparent,
        tracestate=request.tracestate,
        key=request.key,
        depth=request.depth,
        owner=request.owner,
        tags=request.tags,
    )
    unique = kind.unique_value(value)
    return NewJob(
        id=request.id,
        kind=record.kind,
        tier=_tier(kind, value, request),
        envelope=text_of(encode_envelope(envelope)),
        delay_ms=request.delay_ms,
        at_ms=request.at_ms,
        deadline_ms=request.deadline_ms,
        key=StoreKeys.dedup_suffix(request.owner, record.kind, request.key) if request.deduplicates else "",
        fingerprint=fingerprint(value) if request.deduplicates else "",
        owner=request.owner,
        caller=request.caller,
        unique=StoreKeys.unique_suffix(request.owner, record.kind, unique) if unique else "",
        unique_ms=whole_ms(record.unique_for) if record.unique_for else 0,
        correlation_id=request.correlation_id,
        watch=int(request.watch),
        parent=request.parent,
        terms=False if kind.plain else _terms(kind, request, value, envelope, fallback),
        traceparent=request.traceparent,
        tags=request.tags,
        webhook=request.webhook,
        version=record.version != 1 and record.version,
    )


def fingerprint(value: Mapping[str, Any]) -> str:
    """Return a digest of an input's value, however its fields are ordered: one key belongs to one value."""
    return hashlib.blake2b(msgspec.json.encode(value, order="sorted"), digest_size=16).hexdigest()


def _tier(kind: KindTerms, value: Mapping[str, Any], request: JobRequest) -> str:
    # The length is taken of the text as it lies there: bytes would be a copy of the input.
    size = 0 if kind.record.route is None else memoryview(request.input).nbytes
    return kind.tier(value, size, request.tier)


def _terms(
    kind: KindTerms,
    request: JobRequest,
    value: Mapping[str, Any],
    envelope: Envelope,
    fallback: KindTerms | None,
) -> QueueingTerms | Literal[False]:
    job: FallbackJob | Literal[False] = False
    if fallback is not None:
        other = fallback.record
        text = encode_envelope(msgspec.structs.replace(envelope, kind=other.kind, version=other.version)).decode()
        # The tier that was asked for is one of the first kind's.
        tier = _tier(fallback, value, msgspec.structs.replace(request, tier=None))
        job = FallbackJob(other.kind, tier, text, fallback.limit(value), other.version != 1 and other.version)
    return kind.terms(value, request.priority, job)
