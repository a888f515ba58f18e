"""Every regular expression and every parser that sees a stranger's text takes time in proportion to it, at most."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any

import pytest

import tidings.protocol
import tidings_server
from hostile.pattern import faults
from support.credential import SECRET, token
from tidings.protocol.decoding.json_pointer import split_msgspec
from tidings.protocol.frames.limits import Limits
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import parse_token
from tidings.protocol.trace_context import accept_trace_context
from tidings_server.auth.api_key import digest_of
from tidings_server.auth.identity import ANYONE
from tidings_server.auth.jwt import ConfiguredKey, JwtAuthenticator
from tidings_server.auth.key import key_of
from tidings_server.http.batch.batch_splitter import BatchSplitter
from tidings_server.http.connection.upgrade import head_without_offer, offered
from tidings_server.http.job_endpoints import _etag_seq
from tidings_server.http.loopback_only import _is_ours
from tidings_server.http.requests import decode_submission, signal_head
from tidings_server.jobs.quotas import CallerQuota
from tidings_server.sse.stream_opening import number_after
from tidings_server.web.authorize import bearer
from tidings_server.web.request.json_limits import check_depth
from tidings_server.web.request.origin import origin_allowed
from tidings_server.web.request.preferences import preferences_of
from tidings_server.websocket.auth_state import AuthState
from tidings_server.websocket.session import Session

MEGABYTE = 1_000_000

OPERATORS = {
    "tidings_server.auth.api_key", "tidings_server.auth.key", "tidings_server.auth.key_text",
    "tidings_server.http.front_page",
}  # fmt: skip
"""Modules whose expressions see the settings and the installed pages alone, and no stranger's text."""


MATCHED = {"tidings_server.websocket.frames.frame_ref._NUMBER", "tidings_server.web.request.structured_field._QUOTED"}
"""Expressions that are only tried at one place of a text, and never searched for."""


def modules() -> Iterator[ModuleType]:
    for package in (tidings_server, tidings.protocol):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if found.name not in OPERATORS:
                yield importlib.import_module(found.name)


def patterns() -> dict[str, "re.Pattern[Any]"]:
    """Return every regular expression of the server: compiled, or as a text that a frame's field has to match."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found[f"{module.__name__}.{name}"] = value
            elif isinstance(value, str) and name.endswith("_PATTERN"):
                found[f"{module.__name__}.{name}"] = re.compile(value)
    return found


def test_the_expressions_are_found() -> None:
    names = patterns()
    for name in ("tidings_server.web.request.json_limits._STRING", "tidings.protocol.kinds.kind_record.KIND_PATTERN"):
        assert name in names


@pytest.mark.parametrize("name", sorted(patterns()))
def test_no_expression_can_try_a_piece_of_text_twice(name: str) -> None:
    found = faults(patterns()[name])
    assert [fault for fault in found if name not in MATCHED or "search" not in fault] == []


@pytest.mark.parametrize(
    "pattern",
    [r'"(?:[^"\\]|\\.)*"', r"(a+)+$", r"a*a*b", r"\s+$", r"(?:a|aa)*", r"^.*=.*;", r"x(\d*)\d", r"(?:ab)*"],
)
def test_an_expression_that_could_is_recognised(pattern: str) -> None:
    assert faults(re.compile(pattern, re.DOTALL))


@pytest.mark.parametrize(
    "pattern",
    [r"^[a-z]*$", r'"[^"]*"', r"a{1,20}a{1,20}", r"x\d+y", r'"(?:[^"\\]++|\\.?)*+"?', r"\.([^.\[\]]+)"],
)
def test_one_that_could_not_passes(pattern: str) -> None:
    assert faults(re.compile(pattern)) == []


def hostile() -> dict[str, str]:
    """Return texts of a megabyte that have been costly to one parser or another."""
    million = MEGABYTE
    return {
        "nothing but a's": "a" * million,
        "openers": "[" * million,
        "objects": '{"a":' * (million // 5),
        "an open string of escaped quotes": "[" * 65 + '"' + '\\"' * (million // 2),
        "an open string of backslashes": "[" * 65 + '"' + "\\" * million,
        "quotes": "[" * 65 + '"' * million,
        "small strings": "[" * 65 + '"a",' * (million // 4),
        "pairs of brackets": "[]," * (million // 3),
        "a long number": "1" * million,
        "a long number in a frame": '{"type":"ping","ref":' + "1" * million + "}",
        "an exponent": '{"type":"ping","ref":1e' + "9" * million + "}",
        "spaces": '{"type":"ping","ref":1' + " " * million,
        "fields": '{"type":"ping","ref":1,' + '"a":0,' * (million // 6) + '"b":1}',
        "waits": "wait" + " " * million,
        "waits and waits": "wait =" * (million // 6),
        "places": " - at `$" * (million // 8),
        "dots": "." * million,
        "commas": "," * million,
        "a trace": "00-" + "0" * million,
        "percents": "%" * million,
        "half characters": "\ud800" * million,
        "a bearer": "Bearer " + " " * million,
        "a host": "http://" + "[" * million,
        "an e-mail of a host": "http://" + "@" * million,
        "lines": "\n" * million,
    }


def of_session() -> Callable[[str], object]:
    limits = Limits(
        max_frame_bytes=2 * MEGABYTE, max_depth=64, max_in_flight=9, max_watches=9, max_waiting_bytes=9 * MEGABYTE
    )
    auth_state = AuthState(ANYONE, asks=False, within_s=9, notice_s=9, now=0.0)
    return lambda text: Session("c", limits, CallerQuota(limits, 0.0), auth_state, 0.0).receive(text, 0.0)


def of_token() -> Callable[[str], object]:
    authenticator = JwtAuthenticator(ConfiguredKey(key_of(SECRET)))
    good = token()

    def identify(text: str) -> None:
        for credential in (text, good[:-1] + text, f"{text}.{good}", good.replace(".", "." + text, 1)):
            with pytest.raises(ProblemError):
                authenticator.identify(credential).send(None)

    return identify


def latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


PARSERS: dict[str, Callable[[str], object]] = {
    "a frame": of_session(),
    "a token": of_token(),
    "depth": lambda text: check_depth(text, 64),
    "a submission": lambda text: decode_submission(text.encode("utf-8", "replace"), {}, 64),
    "a batch": lambda text: BatchSplitter(100).split(text.encode("utf-8", "replace")),
    "a batch of texts": lambda text: BatchSplitter(100).split(b"[" + text.encode("utf-8", "replace") + b"]"),
    "a key": lambda text: signal_head("n", text),
    "a signal": lambda text: signal_head(text, None),
    "Prefer": lambda text: preferences_of([text], 9),
    "Authorization": bearer,
    "an API key": digest_of,
    "If-None-Match": _etag_seq,
    "Last-Event-ID": lambda text: number_after(text, "/after"),
    "traceparent": lambda text: accept_trace_context(text, text),
    "Origin": lambda text: origin_allowed({"origin": text, "host": "a"}, ()),  # type: ignore[arg-type]
    "Host": _is_ours,
    "Upgrade": lambda text: (
        offered([(b"connection", latin(text)), (b"upgrade", latin(text))]),
        head_without_offer(b"GET", b"/", "1.1", [(b"connection", latin(text))]),
    ),
    "a job's token": parse_token,
    "what a parser says": split_msgspec,
}


def lines_run(call: Callable[[str], object], text: str) -> int:
    """Return how many lines of Python run in a call."""
    count = 0

    def trace(_: FrameType, event: str, __: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(text)
    except ProblemError:
        pass
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_no_parser_takes_a_step_of_its_own_for_each_byte(name: str) -> None:
    """What runs in C is covered by the expressions above; what runs in Python must not loop over the bytes."""
    for what, text in hostile().items():
        assert lines_run(PARSERS[name], text) < 20_000, what
