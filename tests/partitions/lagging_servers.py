"""What servers have that accept jobs, so that a test says when each learns how a queue is spread."""

import time
from types import SimpleNamespace
from typing import cast

from redis.asyncio import Redis

from tidings.protocol.tokens import Token, new_token
from tidings.store.answers import SubmitAnswer
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob, SubmitReply
from tidings.store.keys import StoreKeys
from tidings.store.placement.placement import Placement, Placements
from tidings.store.placement.placement_store import UNSPREAD
from tidings_server.jobs.admission import AdmittedJob
from tidings_server.jobs.answer_tasks import AnswerTasks
from tidings_server.jobs.deadlines import DeadlineExpiry
from tidings_server.jobs.job_submissions import JobSubmissions
from tidings_server.kinds.catalog_updates import CatalogUpdates
from tidings_server.kinds.partition_choice import PartitionChoice
from tidings_server.watch.hub import Hub

KEYS = StoreKeys()
WINDOW_S = 60


class Registered:
    """The placement of a queue as the registry has it."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.placement: Placement = UNSPREAD

    def spread(self, count: int, home: list[str], now_ms: int = 0) -> None:
        """Spread the queue over so many partitions; `now_ms`: 0 is now."""
        self.placement = self.placement.after(count, home, now_ms or int(time.time() * 1000))


class Server:
    """What a server has that accepts jobs; it learns of a placement when it is told to, or asks."""

    def __init__(self, store: Redis, registered: Registered, tasks: AnswerTasks, name: str) -> None:
        self.registered = registered
        self.choice = PartitionChoice(WINDOW_S)
        self.jobs = JobStore(store, KEYS, name, JobStoreOptions(dedup_window_s=WINDOW_S))
        catalog = cast("CatalogUpdates", SimpleNamespace(partition_choice=self.choice, changed=self.learn))
        nobody = SimpleNamespace(move=lambda *_: None)
        self.submissions = JobSubmissions(catalog, self.jobs, cast("Hub", nobody), cast("DeadlineExpiry", None), tasks)

    def learn(self) -> None:
        """Read the placement."""
        self.choice.use(Placements({self.registered.queue: self.registered.placement}))

    async def submit(self, kind: str, key: str) -> str:
        """Return the token that the client gets."""
        queue, suffix = self.registered.queue, StoreKeys.dedup_suffix("", kind, key)
        place = self.choice.place_key(queue, kind, suffix)
        token = new_token(place.partition)
        job = NewJob(token.id, kind, "standard", "[]", key=suffix, fingerprint="same", epoch=place.epoch)
        admitted = AdmittedJob(token, job, None, "", place.asked_first)
        reply: SubmitReply = await self.submissions.begin(admitted, None)
        if reply.answer is SubmitAnswer.STALE:
            reply = await self.submissions.again(admitted, None)
        assert reply.answer in (SubmitAnswer.NEW, SubmitAnswer.DUPLICATE), reply
        return str(Token((admitted.earlier or admitted.token).partition, reply.id))
