"""The deliveries of one queue as a test sees them."""

from typing import Literal

from dead.world import World
from tidings.protocol.timestamps import whole_ms
from tidings.protocol.tokens import Token
from tidings.protocol.webhooks import TERMINAL_EVENTS, WebhookSpec, webhook_field
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings.store.webhook_store import DeliveryReport, DeliveryRow, TakenDelivery, WebhookStore

Outcome = Literal["delivered", "again", "dead", "back"]


def hook(*events: str, url: str = "https://hooks.example/in", place: str = "hooks.example") -> str:
    """Return the field of a job with one webhook, of the terminal events where none is named."""
    return webhook_field([WebhookSpec(url=url, place=place, events=f" {' '.join(events or TERMINAL_EVENTS)} ")])


class Deliveries:
    """One queue's deliveries."""

    def __init__(self, world: World, store: WebhookStore) -> None:
        self.world = world
        self.store = store

    async def take(self, most: int = 100) -> list[TakenDelivery]:
        """Take what is due."""
        return (await self.store.take("p", most))[1]

    async def end(self, one: TakenDelivery, outcome: Outcome = "delivered", delay_ms: int = 0, rest_ms: int = 0) -> str:
        """Report how a try ended."""
        tried = "" if outcome == "back" else f'{{"status":{200 if outcome == "delivered" else 500}}}'
        report = DeliveryReport(one.name, one.fence, outcome, delay_ms, tried, rest_ms)
        return await self.store.report("p", report)

    async def of(self, token: Token) -> list[DeliveryRow]:
        """Return the deliveries of a job."""
        return (await self.store.page("p", "job", token.id))[1]

    async def states(self, token: Token) -> list[tuple[str, str]]:
        """Return event and state of the deliveries of a job."""
        return [(one.event, one.state) for one in await self.of(token)]

    async def key(self, name: str, of: str = "") -> str:
        return StoreKeys().webhook("p", name, of)

    async def forward(self, one: TakenDelivery, seconds: float) -> None:
        """Let time pass for the lease of a delivery: the store's clock cannot be moved."""
        keys = StoreKeys()
        by = -whole_ms(seconds)
        await command(self.world.store, "ZINCRBY", keys.webhook("p", "held", one.place), by, one.name)
        await command(self.world.store, "ZINCRBY", keys.webhook("p", "places"), by, one.place)
