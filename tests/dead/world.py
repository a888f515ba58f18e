"""The store as gateways, workers and operators use it, in one process."""

from redis.asyncio import Redis

from tidings.errors import Reject
from tidings.protocol.problems import problem
from tidings.protocol.states import State
from tidings.protocol.tokens import Token, new_token
from tidings.store.admin.dead_letter import DeadLetter
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore, ReadyEntry, Started
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes


class World:
    """One queue `p`, a gateway, two workers, and its dead letters."""

    def __init__(self, store: Redis, gateway: JobStore, workers: list[AttemptStore]) -> None:
        self.store = store
        self.gateway = gateway
        self.first, self.second = workers
        self.dead = DeadLetters(store, StoreKeys(), "p")

    async def submit(self, kind: str = "k", **fields: object) -> Token:
        """Submit a job."""
        token = new_token("p")
        job = NewJob(token.id, kind, "standard", f'["{kind}",{{"n":1}},2,"corr"]', watch=0, **fields)  # type: ignore[arg-type]
        assert (await self.gateway.submit("p", job)).answer == "new"
        return token

    async def start(self, worker: AttemptStore | None = None) -> tuple[ReadyEntry, Started]:
        """Take the next job and start an attempt."""
        worker = worker or self.first
        entries = await worker.take(["standard"], 1, 1000)
        (started,) = await worker.start(entries)
        assert started.go
        return entries[0], started

    async def end(
        self, begun: tuple[ReadyEntry, Started], outcome: AttemptOutcome, worker: AttemptStore | None = None
    ) -> str:
        """AttemptReport how an attempt ended."""
        report = AttemptReport(begun[0].id, begun[1].fence, 1)
        report.outcome = outcome
        return await (worker or self.first).report(report)

    async def die(self, kind: str = "k", code: str = "handler_error", **fields: object) -> Token:
        """Submit a job and have it fail."""
        token = await self.submit(kind, **fields)
        assert await self.end(await self.start(), failure(code)) == "ok"
        return token

    async def expire(self, token: Token) -> None:
        """Have a job's record leave."""
        await command(self.store, "DEL", StoreKeys().job("p", token.id), StoreKeys().log("p", token.id))

    async def record(self, token: Token) -> JobRecord:
        """Return a job's record."""
        return await self.gateway.read(token)

    async def hash(self, token: Token) -> dict[bytes, bytes]:
        """Return all fields of a job's record."""
        fields: dict[bytes, bytes] = await command(self.store, "HGETALL", StoreKeys().job("p", token.id))
        return fields

    async def letter(self, token: Token) -> DeadLetter:
        """Return a job's letter."""
        return (await self.dead.find(token.id))[token.id]


def failure(code: str = "handler_error") -> AttemptOutcome:
    """Return how a worker ends a job that raised."""
    try:
        refuse()
    except Reject as error:
        return outcomes.failed(problem(code, f"told as {code}"), error)
    raise AssertionError


def refuse() -> None:
    """Be a handler that raises."""
    raise Reject("the reason")


def retry() -> AttemptOutcome:
    """Return how a worker ends an attempt that is repeated at once."""
    value = b'{"type":"t","title":"t","status":500,"detail":"again","code":"handler_error"}'.decode()
    return AttemptOutcome(State.SCHEDULED, "problem", value, "retrying")
