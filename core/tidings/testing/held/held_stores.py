"""The stores of the worlds of one process."""

from tidings.testing.store_pool import StorePool

from .held_store import HeldStore

held_stores: StorePool[HeldStore] = StorePool(HeldStore)
"""Those that no world uses now."""
