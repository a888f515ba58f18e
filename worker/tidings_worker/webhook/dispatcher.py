"""The dispatcher of one queue: takes deliveries that are due, has each tried once, and reports what came of it."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from functools import lru_cache

import anyio
import anyio.abc
import msgspec
import structlog

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import CallResult
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.logging.log_limit import LogLimiter
from tidings.protocol.timestamps import rfc3339, whole_ms
from tidings.protocol.webhooks import DeliveryTry
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreError
from tidings.store.webhook_store import DeliveryReport, TakenDelivery, WebhookStore
from tidings.webhook.signature import sign
from tidings.webhook.target_url import Target, TargetError, TargetRules
from tidings_worker.circuit.worker_breakers import AdmittedCall, WorkerBreakers

from .message import WebhookMessage, message_of
from .sender import Sender, SendResult
from .webhook_meter import WebhookMeter

log = structlog.get_logger()
_limited = LogLimiter(log)

AT_ONCE = 256
"""Deliveries that one call of the store gives."""

LOOK_EVERY_S = 5.0
"""The dispatcher looks this often, even if no announcement says that there is something."""

GATHER_S = 0.002
"""How long the dispatcher lets tries end before it asks for more: so one call of the store serves several."""

NO_SECRET_PAUSE_S = 60.0

MOST_KNOWN = 1_024
"""URLs and hosts of which a worker keeps what it has read."""

JITTER = 0.1
"""A pause is up to this share longer, by chance."""


class DeliverySlots:
    """The deliveries that a worker may send at a time, over all its dispatchers."""

    def __init__(self, count: int) -> None:
        self.free = count


class DeliveryTools:
    """What the dispatchers of one worker share."""

    def __init__(
        self,
        store: WebhookStore,
        breakers: WorkerBreakers,
        sender: Sender,
        rules: TargetRules,
        meter: WebhookMeter,
        secrets_of: Callable[[str], tuple[str, ...]],
        plan: "DeliveryPlan",
    ) -> None:
        """Gather them; `secrets_of` returns the secrets of an owner's deliveries."""
        self.store = store
        self.breakers = breakers
        self.sender = sender
        self.rules = rules
        self.meter = meter
        self.secrets_of = secrets_of
        self.plan = plan


class DeliveryPlan(msgspec.Struct, frozen=True):
    """How deliveries are tried."""

    worker: str
    pauses: tuple[float, ...]
    """After each try that failed, s; after the last the delivery is dead."""
    lease_s: float
    max_bytes: int


class Dispatcher:
    """Serves the deliveries of one queue."""

    def __init__(self, partition: str, tools: DeliveryTools, slots: DeliverySlots) -> None:
        self._partition = partition
        self._tools = tools
        self._slots = slots
        self._parse = lru_cache(maxsize=MOST_KNOWN)(tools.rules.parse)  # a URL costs more to read than to sign for
        self._wanted = asyncio.Event()
        self._ended = asyncio.Event()
        self.running = 0
        """Deliveries under way."""

    def wake(self) -> None:
        """Look for deliveries now."""
        self._wanted.set()

    async def idle(self) -> None:
        """Return when no delivery is under way."""
        while self.running:
            self._ended.clear()
            await self._ended.wait()

    async def run(self) -> None:
        """Serve until cancelled; what is under way then is tried again when its lease has run out."""
        failures = 0
        async with anyio.create_task_group() as tries:
            while True:
                self._wanted.clear()
                try:
                    wait_s = await self._take(tries)
                    failures = 0
                except StoreError as error:
                    failures += 1
                    wait_s = store_retry_delay(failures)
                    _limited.warning(
                        "webhooks_not_taken", cause=self._partition, queue=self._partition, error=str(error)
                    )
                with anyio.move_on_after(wait_s):
                    await self._wanted.wait()
                    await anyio.sleep(GATHER_S)

    async def _take(self, tries: anyio.abc.TaskGroup) -> float:
        """Take what is due; return the seconds after which to look again."""
        wanted = min(self._slots.free, AT_ONCE)
        if wanted <= 0:
            return LOOK_EVERY_S
        self._slots.free -= wanted
        found: list[TakenDelivery] = []
        try:
            wait_ms, found = await self._tools.store.take(self._partition, wanted)
        finally:
            self._slots.free += wanted - len(found)
        for one in found:
            self.running += 1
            tries.start_soon(self._deliver, one, name="delivery")
        if wait_ms < 0:
            return LOOK_EVERY_S
        return min(max(wait_ms / 1000, GATHER_S), LOOK_EVERY_S)

    async def _deliver(self, one: TakenDelivery) -> None:
        try:
            report = await self._try(one)
            await self._report(report)
        except Exception:  # the border of one delivery: the task group is everybody's, and its lease brings it back
            log.exception("webhook_broken", delivery=one.name, queue=self._partition)
        finally:
            self.running -= 1
            self._slots.free += 1
            self._wanted.set()
            self._ended.set()

    async def _try(self, one: TakenDelivery) -> DeliveryReport:
        """Try a delivery once."""
        tools = self._tools
        try:
            target = self._parse(one.url)
            message = message_of(self._partition, one, tools.plan.max_bytes)
        except (TargetError, msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._give_up(one, f"it cannot be sent: {error}")
        secrets = tools.secrets_of(one.owner)
        if not secrets:
            _limited.error(
                "webhook_unsigned", cause=one.owner, owner=one.owner, help="this owner has no secret: set one"
            )
            return DeliveryReport(one.name, one.fence, "back", whole_ms(NO_SECRET_PAUSE_S))
        try:
            call = await tools.breakers.enter(breaker_of_place(one.place))
        except CircuitOpenError as refused:
            wait_ms = whole_ms(max(refused.retry_after, 0.05))
            return DeliveryReport(one.name, one.fence, "back", wait_ms, rest_ms=wait_ms)
        result = await self._send(one, target, message, secrets, call)
        return self._judge(one, target, result)

    async def _send(
        self,
        one: TakenDelivery,
        target: Target,
        message: WebhookMessage,
        secrets: tuple[str, ...],
        call: AdmittedCall,
    ) -> SendResult:
        tools = self._tools
        now = int(time.time())
        headers = {
            "Content-Type": message.content_type,
            "User-Agent": "Tidings-Webhook/1",
            "webhook-id": one.webhook_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(one.webhook_id, now, message.body, secrets),
        }
        verdict, text = CallResult.VOID, ""
        try:
            result = await tools.sender.send(target, headers, message.body)
            if result.reached:
                verdict = CallResult.FAILURES if result.failing else CallResult.OK
                text = result.error or f"status {result.status}"
        finally:
            tools.breakers.leave(call, verdict, "webhook", text)
        return result

    def _judge(self, one: TakenDelivery, target: Target, result: SendResult) -> DeliveryReport:
        """Decide what becomes of a delivery after a try."""
        plan, meter = self._tools.plan, self._tools.meter
        text = self._text(result)
        meter.tried(result.took_ms / 1000)
        if result.delivered:
            meter.ended("delivered", max(time.time() - one.created_ms / 1000, 0.0))
            return DeliveryReport(one.name, one.fence, "delivered", 0, text)
        dead = result.gone or one.tries >= len(plan.pauses)
        log.warning(
            "webhook_dead" if dead else "webhook_failed",
            delivery=one.name,
            queue=self._partition,
            url=target.shown,
            status=result.status,
            error=result.error,
            tries=one.tries + 1,
        )
        if dead:
            meter.ended("dead", 0.0)
            return DeliveryReport(one.name, one.fence, "dead", 0, text)
        meter.ended("retried", 0.0)
        pause = plan.pauses[one.tries] * (1 + JITTER * random.random())  # noqa: S311 - spreads load
        return DeliveryReport(one.name, one.fence, "again", whole_ms(max(pause, result.retry_after)), text)

    def _give_up(self, one: TakenDelivery, error: str) -> DeliveryReport:
        log.warning("webhook_dead", delivery=one.name, queue=self._partition, error=error[:300])
        self._tools.meter.ended("dead", 0.0)
        return DeliveryReport(one.name, one.fence, "dead", 0, self._text(SendResult(time.time(), 0, None, error[:300])))

    def _text(self, result: SendResult) -> str:
        made = DeliveryTry(
            at=rfc3339(int(result.began * 1000)),
            duration_ms=result.took_ms,
            status=result.status,
            error=result.error or None,
            head=result.head or None,
            redirects=result.redirects,
            worker=self._tools.plan.worker,
        )
        return msgspec.json.encode(made).decode()

    async def _report(self, report: DeliveryReport) -> None:
        """Write what came of a try, and again while the store is away, as long as the lease lasts."""
        give_up = time.monotonic() + self._tools.plan.lease_s
        failures = 0
        while True:
            try:
                answer = await self._tools.store.report(self._partition, report)
            except StoreError as error:
                failures += 1
                if time.monotonic() > give_up:
                    _limited.warning(
                        "webhook_not_reported", cause=self._partition, queue=self._partition, error=str(error)
                    )
                    return
                await anyio.sleep(store_retry_delay(failures))
            else:
                if answer != "ok":
                    self._tools.meter.ended("lost", 0.0)
                return


@lru_cache(maxsize=MOST_KNOWN)
def breaker_of_place(place: str) -> Breaker:
    """Return the breaker of a host and port; those of one name are one over all workers and queues."""
    name = f"webhook.{place.replace(':', '-')}"
    if len(name) > 64 or "[" in name:
        name = f"webhook.{hashlib.sha256(place.encode()).hexdigest()[:24]}"
    return Breaker(name, failure_rate=0.8, window=60, min_calls=10, open_for=30)
