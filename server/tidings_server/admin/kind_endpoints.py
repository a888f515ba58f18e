"""Changes of kinds over HTTP, for operators: what a worker registered last, and whether that breaks anything.

The endpoint raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

from collections.abc import Iterable

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.compatibility.kind_changes import KindChange, compare_kind
from tidings.compatibility.rules import RULES
from tidings.protocol.frames.kind_messages import KindChangeList, ReplacedKindLine, SchemaChange
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.replaced_kinds import ReplacedKind, read_replaced_kinds
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import limit_of

MAX_CHANGES = 100
"""Changes of one kind in an answer."""

MAX_DETAIL = 500
"""Characters of a detail, which may quote what a schema allows."""


class KindEndpoints:
    """Show what of the kinds has changed."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._compared: dict[str, ReplacedKindLine] = {}
        """Those of the last answer, by digest: to compare schemas takes time, and consoles ask again and again."""

    async def changes(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/kinds/changes?limit=`: the last change of each kind, and what it breaks."""
        found = await read_replaced_kinds(self._runtime.client, self._runtime.keys, limit_of(request))
        known = self._compared
        fresh = await anyio.to_thread.run_sync(_compared, [one for one in found.kinds if _key(one) not in known])
        self._compared = compared = {_key(one): known.get(_key(one)) or fresh[_key(one)] for one in found.kinds}
        return json_response(KindChangeList(kinds=list(compared.values()), total=found.total))


def _key(one: ReplacedKind) -> str:
    return f"{one.kind} {one.at_ms} {one.digest}"


def _compared(replaced: Iterable[ReplacedKind]) -> dict[str, ReplacedKindLine]:
    return {_key(one): changed_kind(one) for one in replaced}


def changed_kind(one: ReplacedKind) -> ReplacedKindLine:
    """Return a changed kind as an operator is shown it."""
    if one.before is None or one.now is None:
        return ReplacedKindLine(
            kind=one.kind, at=one.at_ms, version_before=None, version=None, fields=[], changes=[], unreadable=one.why
        )
    changes = compare_kind(one.before, one.now)
    return ReplacedKindLine(
        kind=one.kind,
        at=one.at_ms,
        version_before=one.before.version,
        version=one.now.version,
        fields=_different(one.before, one.now),
        changes=[_schema_change(change) for change in changes[:MAX_CHANGES]],
        more=max(len(changes) - MAX_CHANGES, 0),
    )


def _different(before: KindRecord, now: KindRecord) -> list[str]:
    return [name for name in KindRecord.__struct_fields__ if _plain(before, name) != _plain(now, name)]


def _plain(record: KindRecord, name: str) -> object:
    value = getattr(record, name)
    return bytes(value) if isinstance(value, msgspec.Raw) else value


def _schema_change(change: KindChange) -> SchemaChange:
    return SchemaChange(
        rule=change.rule,
        level=change.level,
        says=RULES[change.rule].says,
        pointer=change.pointer,
        detail=change.detail[:MAX_DETAIL],
        breaks=list(change.breaks),
        advice=change.advice,
    )
