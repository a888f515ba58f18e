"""The check of kinds against those that stand in the registry, before a worker serves them."""

from collections.abc import Iterable

import structlog

from tidings.compatibility.kind_changes import KindChange, compare_kinds
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.availability.store_errors import StoreError
from tidings.store.redis.store_client import keys_of, open_store
from tidings.store.registry import Registry
from tidings_worker.settings import WorkerSettings

log = structlog.get_logger()

HELP = (
    "raise the version of the kind, or set TIDINGS_SCHEMA_CHECK=warn to serve it all the same; `tidings schema check` "
    "compares before you deploy"
)
"""What an operator does about it."""


class SchemaRefusedError(Exception):
    """A change of a kind breaks what is queued, or its clients; the text has a line for each change."""


async def check_with_store(settings: WorkerSettings, records: Iterable[KindRecord]) -> None:
    """Check some kinds against those in the registry of a store that has just been judged.

    Args:
        settings: of the worker; they say what becomes of a change that breaks something.
        records: the kinds.

    Raises:
        SchemaRefusedError: a change breaks something, and the settings say `refuse`.

    """
    policy = settings.schema_check
    if policy == "off":
        return
    store = open_store(settings.store_url, key_prefix=settings.key_prefix)
    try:
        changes = await breaking_changes(Registry(store, keys_of(store)), list(records))
    except StoreError as error:  # as where the store's user may not run scripts: the worker says so when it registers
        log.warning("schema_unchecked", error=str(error))
        return
    finally:
        await store.aclose()
    for change in changes:
        log.warning("schema_breaks", kind=change.kind, rule=change.rule, pointer=change.pointer, change=change.text)
    if changes and policy == "refuse":
        raise SchemaRefusedError("\n".join([*(change.text for change in changes), HELP]))


async def breaking_changes(registry: Registry, records: list[KindRecord]) -> list[KindChange]:
    """Return what of some kinds breaks something that the registry knows.

    A record that has stood there before breaks nothing: its worker starts again during a deploy, or the deploy is taken
    back. Where that is not so, the operator would be kept from what must be possible.

    Raises:
        StoreError: the store is unavailable.

    """
    standing = await registry.kinds()
    new = {record.kind: record for record in records}
    changes = [one for one in compare_kinds(standing, new, whole=False) if one.level == "breaking"]
    if not changes:
        return []
    again = await registry.have_stood(new[one.kind] for one in changes)
    return [one for one in changes if one.kind not in again]
