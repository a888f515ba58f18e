"""The look at the store with which a server or worker starts."""

import structlog

from tidings.settings.settings import StoreSettings
from tidings.settings.store_url import show_store_url
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.store_client import Store, no_store_at, open_store

from .shortfall import Shortfall
from .store_facts import read_facts
from .store_rules import judge_store

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class StoreUnsuitableError(StoreError):
    """The store is not what the settings need; a line for each reason, which says what to do."""


async def require_store(settings: StoreSettings, *, tell: bool = True) -> None:
    """Return if a store answers and is what the settings need.

    Args:
        settings: of the process.
        tell: whether to log what it lacks that can be done without.

    Raises:
        StoreUnavailableError: no store answers; one line says what to do.
        StoreUnsuitableError: it lacks what cannot be done without.

    """
    store = open_store(settings.store_url, key_prefix=settings.key_prefix)
    try:
        lacking = await find_shortfalls(store, settings)
    except StoreError as error:
        raise no_store_at(settings.store_url, error) from error
    finally:
        await store.aclose()
    refusing = [one for one in lacking if one.refuses]
    if refusing:
        shown = show_store_url(settings.store_url)
        raise StoreUnsuitableError("\n".join(f"the store at {shown} cannot be used: {one}" for one in refusing))
    if tell:
        tell_shortfalls(lacking)


async def find_shortfalls(store: Store, settings: StoreSettings) -> list[Shortfall]:
    """Return what a store, or each node of a cluster that answers, lacks of what the settings need.

    Raises:
        StoreError: none answers.

    """
    facts = await read_facts(store, config=settings.durability == "fsync")
    return [found for one in facts for found in judge_store(settings, one)]


def tell_shortfalls(lacking: list[Shortfall]) -> None:
    """Log what a store lacks."""
    for one in lacking:
        node = {"node": one.node} if one.node else {}
        tell = log.error if one.refuses else log.warning
        tell("store_lacks", check=one.check, says=one.says, help=one.do, **node)
