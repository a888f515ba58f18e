"""Hearing channels as the store at hand has them: of a cluster, those that lie in slots."""

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from tidings.store.redis.cluster.cluster_store import ClusterStore


async def subscribe(heard: PubSub, store: Redis, *channels: str) -> None:
    """Subscribe to channels, to which scripts and processes publish."""
    await (heard.ssubscribe if isinstance(store, ClusterStore) else heard.subscribe)(*channels)
