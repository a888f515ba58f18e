"""What a store lacks, as a process finds when it starts."""

from tidings.settings.settings import StoreSettings
from tidings.store.redis.store_client import open_store
from tidings.store.requirements.shortfall import Shortfall
from tidings.store.requirements.start_check import find_shortfalls


async def lacking(settings: StoreSettings) -> list[Shortfall]:
    """Return what the store of some settings lacks of what they need."""
    store = open_store(settings.store_url)
    try:
        return await find_shortfalls(store, settings)
    finally:
        await store.aclose()
