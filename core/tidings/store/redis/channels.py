"""Subscribing to channels, of whichever kind the store is."""

from collections.abc import Callable

from redis.asyncio import Redis

from .cluster.cluster_store import ClusterStore
from .cluster.cluster_subscription import ClusterSubscription
from .single_store import store_of
from .subscription import PROBE_S, Hearing, Subscription

AnySubscription = Subscription | ClusterSubscription


def subscription_to(
    store: Redis,
    caller: Redis,
    probe: str,
    on_message: Callable[[str, bytes], None],
    on_open: Callable[[], None],
    on_change: Callable[[Hearing], None] = lambda _: None,
    *,
    probe_s: float = PROBE_S,
) -> AnySubscription:
    """Return a subscription; see `Subscription` for the arguments."""
    if isinstance(store, ClusterStore) and isinstance(caller, ClusterStore):
        return ClusterSubscription(store, caller, probe, on_message, on_open, on_change, probe_s=probe_s)
    return Subscription(store_of(store), caller, probe, on_message, on_open, on_change, probe_s=probe_s)


def deaf_parts(subscription: AnySubscription) -> dict[str, Hearing]:
    """Return the nodes of a cluster that a subscription does not hear, by their addresses."""
    return subscription.deaf_parts if isinstance(subscription, ClusterSubscription) else {}
