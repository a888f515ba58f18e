"""What has changed between two records of a kind, and whether it breaks anything."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.schema.schema_limits import check_bounds

from .containment import Containment, containment
from .differences import differences
from .rules import ALLOWED_BY_VERSION, NOTICES, OF_WAYS, RULES

Level = Literal["breaking", "allowed", "notice"]


class KindChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a kind."""

    kind: str
    rule: str
    """A key of `RULES`."""
    level: Level
    """`breaking`: nothing allows it; `allowed`: the version is raised; `notice`: it is a way to deploy."""
    pointer: str = ""
    """JSON Pointer into an input or a result: where."""
    detail: str = ""
    """What is given there, and what is wanted."""
    breaks: tuple[str, ...]
    """Whom."""
    advice: str
    """What to do."""

    @property
    def text(self) -> str:
        """What it is, as one line for people."""
        where = f" at {self.pointer}" if self.pointer else ""
        why = f" ({self.detail})" if self.detail else ""
        return f"{self.kind}: {RULES[self.rule].says}{where}{why}; breaks {' and '.join(self.breaks)}: {self.advice}"


def compare_kinds(
    old: Mapping[str, KindRecord], new: Mapping[str, KindRecord], *, whole: bool = True
) -> list[KindChange]:
    """Return what has changed, kind by kind.

    Args:
        old: the kinds before, by name.
        new: the kinds after.
        whole: whether `new` is all that there will be: a kind that it lacks is gone.

    """
    found: list[KindChange] = []
    for name in sorted(old):
        if name in new:
            found += compare_kind(old[name], new[name])
        elif whole:
            found.append(_change(name, "kind_gone", "breaking"))
    return found


def compare_kind(old: KindRecord, new: KindRecord) -> list[KindChange]:
    """Return what has changed of one kind."""
    found: list[KindChange] = []
    if new.version < old.version:
        return [_change(new.kind, "version_lowered", "notice")]
    if new.version > old.version and (new.oldest_version or new.version) > old.version:
        found.append(_change(new.kind, "upcast_missing", "notice"))
    if new.queue != old.queue:
        found.append(_change(new.kind, "queue_changed", _level("queue_changed", old, new)))
    sides: Iterable[tuple[str, Any, Any]] = (
        ("input", *_schemas(old.input, new.input)),
        ("result", *_schemas(new.result, old.result)),
        ("chunk", *_schemas(new.chunk, old.chunk)),
    )
    for side, given, wanted in sides:
        if side != "input" and given is None and wanted is not None:
            code = f"{side}_undeclared"
            found.append(_change(new.kind, code, _level(code, old, new)))
        elif isinstance(given, dict) and isinstance(wanted, dict):
            found += _side(side, given, wanted, old, new)
    return found


def _side(
    side: str, given: dict[str, Any], wanted: dict[str, Any], old: KindRecord, new: KindRecord
) -> Iterable[KindChange]:
    try:
        check_bounds(given)
        check_bounds(wanted)
    except ValueError:  # the engine cannot be asked to compare what has no bounds
        return
    answer = containment(given, wanted)
    if answer is Containment.YES:
        return
    try:
        ways = differences(given, wanted)
    except ValueError:
        ways = []
    for one in ways:
        code = OF_WAYS[side, one.way]
        yield _change(new.kind, code, _level(code, old, new), one.pointer, one.detail)
    if not ways and answer is Containment.NO:
        code = "input_narrowed" if side == "input" else f"{side}_widened"
        yield _change(new.kind, code, _level(code, old, new))


def _level(code: str, old: KindRecord, new: KindRecord) -> Level:
    if code in NOTICES:
        return "notice"
    return "allowed" if code in ALLOWED_BY_VERSION and new.version > old.version else "breaking"


def _change(kind: str, code: str, level: Level, pointer: str = "", detail: str = "") -> KindChange:
    rule = RULES[code]
    return KindChange(
        kind=kind, rule=code, level=level, pointer=pointer, detail=detail, breaks=rule.breaks, advice=rule.advice
    )


def _schemas(*raws: msgspec.Raw | msgspec.UnsetType) -> list[Any]:
    return [None if isinstance(raw, msgspec.UnsetType) else msgspec.json.decode(raw) for raw in raws]
