"""The store as gateways, workers and operators use it, in one process."""

from redis.asyncio import Redis

from tidings.broker.connection import command
from tidings.broker.dead import DeadLetters
from tidings.broker.gateway import GatewayStore, NewJob, Record
from tidings.broker.keys import Keys
from tidings.broker.letter import Letter
from tidings.broker.worker import Entry, Outcome, Report, Started, WorkerStore
from tidings.contract.problem import problem
from tidings.contract.state import State
from tidings.contract.token import Token, mint
from tidings.outcome import Reject
from tidings_worker import verdict


class World:
    """One queue `p`, a gateway, two workers, and its dead letters."""

    def __init__(self, store: Redis, gateway: GatewayStore, workers: list[WorkerStore]) -> None:
        self.store = store
        self.gateway = gateway
        self.first, self.second = workers
        self.dead = DeadLetters(store, Keys(), "p")

    async def submit(self, kind: str = "k", **fields: object) -> Token:
        """Submit a job."""
        token = mint("p")
        job = NewJob(token.id, kind, "standard", f'["{kind}",{{"n":1}},2,"corr"]', watch=0, **fields)  # type: ignore[arg-type]
        assert (await self.gateway.submit("p", job)).answer == "new"
        return token

    async def start(self, worker: WorkerStore | None = None) -> tuple[Entry, Started]:
        """Take the next job and start an attempt."""
        worker = worker or self.first
        entries = await worker.take(["standard"], 1, 1000)
        (started,) = await worker.start(entries)
        assert started.go
        return entries[0], started

    async def end(self, begun: tuple[Entry, Started], outcome: Outcome, worker: WorkerStore | None = None) -> str:
        """Report how an attempt ended."""
        report = Report(begun[0].id, begun[1].fence, 1)
        report.outcome = outcome
        return await (worker or self.first).report(report)

    async def die(self, kind: str = "k", code: str = "handler_error", **fields: object) -> Token:
        """Submit a job and have it fail."""
        token = await self.submit(kind, **fields)
        assert await self.end(await self.start(), failure(code)) == "ok"
        return token

    async def expire(self, token: Token) -> None:
        """Have a job's record leave."""
        await command(self.store, "DEL", Keys().job("p", token.id), Keys().log("p", token.id))

    async def record(self, token: Token) -> Record:
        """Return a job's record."""
        return await self.gateway.read(token)

    async def hash(self, token: Token) -> dict[bytes, bytes]:
        """Return all fields of a job's record."""
        fields: dict[bytes, bytes] = await command(self.store, "HGETALL", Keys().job("p", token.id))
        return fields

    async def letter(self, token: Token) -> Letter:
        """Return a job's letter."""
        return (await self.dead.find(token.id))[token.id]


def failure(code: str = "handler_error") -> Outcome:
    """Return how a worker ends a job that raised."""
    try:
        refuse()
    except Reject as error:
        return verdict.failed(problem(code, f"told as {code}"), error)
    raise AssertionError


def refuse() -> None:
    """Be a handler that raises."""
    raise Reject("the reason")


def retry() -> Outcome:
    """Return how a worker ends an attempt that is repeated at once."""
    value = b'{"type":"t","title":"t","status":500,"detail":"again","code":"handler_error"}'.decode()
    return Outcome(State.SCHEDULED, "problem", value, '"event":"retrying","status":"scheduled","data":{}}')
