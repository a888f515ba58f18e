"""Trace context: which trace a job belongs to (W3C Trace Context, sections 3.2 and 3.3). Pure.

A broken context is ignored, never an error: its receiver begins a trace of its own.
"""

import re

MAX_TRACESTATE = 512
"""Characters of a `tracestate` that are passed on: what every system has to (section 3.3.1.5)."""

_TRACEPARENT = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACESTATE = re.compile(r"^[ -~\t]*")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def accept_trace_context(traceparent: str | None, tracestate: str | None) -> tuple[str, str]:
    """Return both as they are passed on; empty where there is none that can be used.

    One of a version after 00 is read by its first four parts, as section 4.1 wants, and becomes one of 00.
    """
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return "", ""
    version, trace, span, flags, more = match.groups()
    if version == "ff" or trace == _NO_TRACE or span == _NO_SPAN or (version == "00" and more is not None):
        return "", ""
    state = tracestate or ""
    if len(state) > MAX_TRACESTATE or not _TRACESTATE.fullmatch(state):
        state = ""
    return f"00-{trace}-{span}-{flags}", state


def traceparent_parts(traceparent: str) -> tuple[int, int, int]:
    """Return trace id, span id and flags of a `traceparent` that was accepted."""
    return int(traceparent[3:35], 16), int(traceparent[36:52], 16), int(traceparent[53:55], 16)


def trace_id_of(traceparent: str) -> str:
    """Return the trace of a `traceparent` that was accepted; empty if there is none."""
    return traceparent[3:35]
