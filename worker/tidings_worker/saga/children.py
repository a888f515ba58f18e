"""The children of sagas: the queue of each kind, and how a worker submits a child, stops it and tells its parent."""

from collections.abc import Mapping
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from tidings.declare.job import Job
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import Problem, problem
from tidings.protocol.states import TERMINAL, State
from tidings.protocol.tokens import Token, split_token
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.job_builder import JobRequest, build_job
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob, SubmitReply
from tidings.store.jobs.queueing_terms import KindTerms
from tidings.store.placement.placement import KnownPlacements, kinds_at_home, place_of
from tidings.store.registry import Registry
from tidings.store.saga_store import MAX_RESULT_BYTES, ChildEnd, EndedChild, SagaStore
from tidings.webhook.webhook_terms import field_of_kind

KINDS_FRESH_S = 30.0
"""How long a worker uses the kinds that it has read from the registry, s."""

KINDS_ASK_AGAIN_S = 1.0
"""A worker does not read the registry more often than this for a kind that was not there, s."""

WORKERS_FRESH_S = 2.0
"""How long a worker uses the list of workers that it has read from the registry, s."""

UNKNOWN_CODES = frozenset({"timeout", "worker_lost"})
"""Problems after which a child may have done its work all the same."""


class NewChild(NamedTuple):
    """A child to submit."""

    token: Token
    kind: KindRecord
    input: str
    """JSON text of an object."""
    parent: str
    path: str
    owner: str
    remaining_ms: int
    """Until the parent's deadline; 0: it has none."""
    key: str
    above: Envelope
    """The parent's envelope."""


class KindDirectory:
    """The queue of each kind: of this worker's own kinds, else from the registry."""

    def __init__(
        self, jobs: Mapping[str, Job[Any, Any]], registry: Registry, placements: KnownPlacements | None = None
    ) -> None:
        """Prepare.

        Args:
            jobs: this worker's kinds.
            registry: of all kinds.
            placements: of queues; None: no queue is spread.

        """
        self._placements = placements or KnownPlacements()
        self._own = {kind: job.record() for kind, job in jobs.items()}
        self._registry = registry
        self._others: dict[str, KindRecord] = {}
        self._asked = -KINDS_FRESH_S
        self._served: frozenset[str] = frozenset()
        self._looked = -WORKERS_FRESH_S

    async def is_served(self, kind: str) -> bool:
        """Return whether a live worker serves a kind; False while the store does not answer."""
        if monotonic() - self._looked > WORKERS_FRESH_S:
            try:
                workers = await self._registry.workers()
            except StoreError:
                return False
            self._served = frozenset(one for worker in workers for one in worker.kinds)
            self._looked = monotonic()
        return kind in self._served

    def partition_of(self, record: KindRecord, job: str) -> str:
        """Return the partition to which a new job without an idempotency key goes, by its id."""
        placement = self._placements.now.of_queues.get(record.queue)
        if placement is None or record.kind in kinds_at_home({record.kind: record}):
            return record.queue
        return place_of(record.queue, placement, record.kind, job)

    async def find(self, kind: str) -> KindRecord | None:
        """Return a kind; None: no worker has registered it.

        Raises:
            StoreError: the store is unavailable.

        """
        if kind in self._own:
            return self._own[kind]
        age = monotonic() - self._asked
        if age > KINDS_FRESH_S or (kind not in self._others and age > KINDS_ASK_AGAIN_S):
            self._others = await self._registry.kinds()
            self._asked = monotonic()
        return self._others.get(kind)


class Children:
    """Submits children, and stops them."""

    def __init__(self, gateway: JobStore, saga: SagaStore, kinds: KindDirectory) -> None:
        self._gateway = gateway
        self._saga = saga
        self.kinds = kinds

    async def submit(self, child: NewChild) -> bool:
        """Submit a child, once, however often this is called; return whether the store has it.

        The store refuses it while another job holds its unique value.

        Raises:
            StoreError: the store is unavailable, or full.

        """
        answer = await self._gateway.submit(child.token.partition, _new_job_of(child))
        if answer.id != child.token.id:
            return False
        if answer.answer == "duplicate" and State(answer.state) in TERMINAL:
            await self._tell(child, answer)
        return True

    async def stop(self, token: Token, kind: str) -> str:
        """Ask that a child stop, or never begin; return the store's answer: `unknown` if it did not have the child.

        Raises:
            StoreError: the store is unavailable.

        """
        return await self._gateway.cancel(token, forbid=kind)

    async def _tell(self, child: NewChild, answer: SubmitReply) -> None:
        """Tell the parent that a child has ended: a store that lost writes may have forgotten it."""
        record: JobRecord = await self._gateway.read(child.token)
        if not record.state:
            return
        result = record.result_json
        size = len(result)
        ended = EndedChild(
            "", f"{child.parent} {child.path}", child.token.id, answer.state, int(record.started is not None), size,
            result.decode() if size <= MAX_RESULT_BYTES else "", record.problem,
        )  # fmt: skip
        parent = split_token(child.parent)
        await self._saga.wake(parent.partition, child_end_of(ended, child.token.partition, parent.id, child.path))


def _new_job_of(child: NewChild) -> NewJob:
    kind = KindTerms(child.kind)
    request = JobRequest(
        id=child.token.id,
        input=msgspec.Raw(child.input.encode()),
        owner=child.owner,
        correlation_id=child.above.correlation_id or child.parent,
        traceparent=child.above.traceparent,
        tracestate=child.above.tracestate,
        key=child.key,
        depth=child.above.depth + 1,
        parent=f"{child.parent} {child.path}",
        deadline_ms=child.remaining_ms,
        webhook=field_of_kind(child.kind.webhook),
    )
    return build_job(kind, request, msgspec.json.decode(child.input) if kind.reads_input else {})


def child_end_of(ended: EndedChild, partition: str, parent: str, path: str) -> ChildEnd:
    """Return what the store writes into the parent's journal about a child that has ended.

    Args:
        ended: the child.
        partition: the child's.
        parent: the parent's id.
        path: the step that the child does or undoes.

    """
    child = str(Token(partition, ended.id))
    if ended.state == State.SUCCEEDED and ended.size <= MAX_RESULT_BYTES:
        return ChildEnd(parent, path, child, 1, 0, ended.result or "null")
    refused, unknown = _problem_of(ended)
    return ChildEnd(parent, path, child, 0, int(unknown), refused)


def _problem_of(ended: EndedChild) -> tuple[str, bool]:
    """Return the problem as JSON text, and whether the child may have done its work all the same."""
    match State(ended.state):
        case State.SUCCEEDED:
            detail = (
                f"the child's result is {ended.size} bytes as JSON; a step keeps at most {MAX_RESULT_BYTES}: "
                "let it return a reference"
            )
            return _text(problem("result_too_large", detail, limit=MAX_RESULT_BYTES)), True
        case State.FAILED if ended.problem:
            return ended.problem, _is_unknown(msgspec.json.decode(ended.problem, type=Problem))
        case State.FAILED:
            return _text(problem("handler_error", "the child failed; its record has left the store")), True
        case state:
            return _text(problem(str(state), f"the child was {state}")), ended.begun > 0


def _is_unknown(refused: Problem) -> bool:
    """Return whether a child that failed with this problem may have done its work all the same.

    A child that is a saga may fail with the problem of one of its steps: then the step took too long, not the child.
    Such a child has undone its own work, unless the problem says that it could not.
    """
    if refused.compensation is not None:
        return refused.compensation != "complete"
    return refused.code in UNKNOWN_CODES and not refused.errors


def _text(refused: Problem) -> str:
    return msgspec.json.encode(refused).decode()
