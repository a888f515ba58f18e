"""What varies from run to run is masked by a value of the same form, so that a masked frame is a frame still."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

TOKEN = "default." + "A" * 22
MOMENT = "2026-01-01T00:00:00.000Z"

MOST_SHOWN = 40
"""Characters of a text in the store; a longer one is masked."""

_PATTERNS = (
    (re.compile(r"\bdefault\.[A-Za-z0-9_-]{22}"), TOKEN),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"), MOMENT),
    (re.compile(r"\btdg_[A-Za-z0-9_-]+"), "tdg_grant"),
    (re.compile(r"\bv1,[A-Za-z0-9+/=]+"), "v1,signature"),
    (re.compile(r"(?:^|(?<=\bw1_)|(?<=\bmsg_))[A-Za-z0-9_-]{22}(?=_\d)"), "A" * 22),
    (re.compile(r"\b127\.0\.0\.1([:-])\d+"), r"127.0.0.1\g<1>1"),
    (re.compile(r"\b1[78]\d{11}-\d+"), "1767225600000-0"),
    (re.compile(r"\b1[78]\d{14}\b"), "1767225600000000"),
    (re.compile(r"\b1[78]\d{11}\b"), "1767225600000"),
    (re.compile(r"\b1[78]\d{8}\b"), "1767225600"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "0" * 32),
    (re.compile(r"(?<=@1!)[0-9a-f]{8}\b"), "0" * 8),
)

_NUMBER = re.compile(r"-?[0-9.]+|[0-9a-f]{8,}|[0-9a-f]{12}(?: [0-9a-f]{12})+")
"""In the store: a number, a digest, or several digests."""

_FIXED: Mapping[str, Any] = {"eta": None, "position": 0, "connection": "c", "detail": "…", "ticket": "t", "cursor": "c"}
"""What stands in a field whatever it holds: it may be null in one run and not in the next, or is prose."""

_PROSE = frozenset({"traceback", "worker", "host", "server", "etag", "allow", "tidings-seq"})

_NUMBERS = frozenset({"seq", "retry_after", "reconnect_after", "at", "took", "pid", "jobs"})
"""Fields whose number says nothing."""


def masked(value: Any, name: str = "", *, numbers: bool = False) -> Any:
    """Return a JSON value with what varies masked.

    Args:
        value: the value.
        name: of the field that holds it.
        numbers: whether every number varies, as limits do, which are settings.

    """
    if name in _FIXED:
        return _FIXED[name]
    if isinstance(value, dict):
        inner = numbers or name == "limits"
        return {text(key): masked(child, key, numbers=inner) for key, child in value.items()}
    if isinstance(value, list):
        return [masked(child, name, numbers=numbers) for child in value]
    if isinstance(value, str):
        return "…" if name in _PROSE else text(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and (numbers or name in _NUMBERS):
        return 1 if isinstance(value, int) else 0.5
    return value


def text(value: str) -> str:
    """Return a text with what varies masked."""
    for pattern, mask in _PATTERNS:
        value = pattern.sub(mask, value)
    return value


def shape(value: Any) -> Any:
    """Return the names of all fields, and nothing of what they hold; of a list, those of its items together."""
    if isinstance(value, dict):
        return {text(key): [] if key == "running" else shape(child) for key, child in value.items()}
    if isinstance(value, list):
        items = [item for item in map(shape, value) if isinstance(item, dict)]
        return [_together(items)] if items else []
    return "…"


def _together(items: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        for name, value in item.items():
            if name not in found or found[name] in ("…", []):
                found[name] = value
    return found


def stored(value: bytes) -> Any:
    """Return what the store holds, decoded and masked: JSON, MessagePack, a number, or a text."""
    if value[:1] in (b"{", b"["):
        try:
            return _only_names(msgspec.json.decode(value))
        except msgspec.DecodeError:
            pass
    try:
        plain = value.decode()
    except UnicodeDecodeError:
        try:
            return _only_names(msgspec.msgpack.decode(value))
        except (msgspec.DecodeError, ValueError):
            return "(bytes)"
    return "1" if _NUMBER.fullmatch(plain) else "…" if len(plain) > MOST_SHOWN else key(plain)


def _only_names(value: Any) -> Any:
    """Return an object's names, an array's places; an array within an object may have any number of items."""
    if isinstance(value, dict):
        return {key(str(name)): "…" if isinstance(child, list) else _only_names(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_only_names(child) for child in value]
    return "…"


def key(name: str) -> str:
    """Return the name of a key of the store without what is of one job, caller or text."""
    name = text(name)
    name = re.sub(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])", "JOB", name)
    return re.sub(r"(?<![A-Za-z0-9_+/-])[A-Za-z0-9_+/-]{27,}=*(?![A-Za-z0-9_+/-])", "DIGEST", name)
