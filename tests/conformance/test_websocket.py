"""The server's WebSocket by the RFC: each case by itself, on a connection of its own."""

import pytest

from conformance.case import CASES, Case, said
from conformance.raw import Message, Raw, close
from support.system import System, system_fixture
from support.wire.raw import BINARY, TEXT, frame

PROBE = 4711


system = system_fixture(workers=0)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.number} {case.meaning}" for case in CASES])
def test_case(system: System, case: Case) -> None:
    with Raw(system.server.socket_url) as raw:
        raw.send([*case.sent(), frame(TEXT, said(PROBE))])
        for kind, value in case.expect:
            message = next(raw.messages)
            if kind == "close":
                assert isinstance(value, set)
                assert message.kind == "close"
                assert message.value in value
                assert raw.ended()
                return
            check(message, kind, value)
        # Nothing else came, and the connection is as good as before.
        check(next(raw.messages), "answer", PROBE)


@pytest.mark.parametrize("last", [frame(BINARY, rsv=1), close(1000)], ids=["failed", "closed"])
def test_a_connection_that_is_over_is_ended_though_the_peer_does_not(system: System, last: bytes) -> None:
    with Raw(system.server.socket_url) as raw:
        raw.send([last])
        assert next(raw.messages).kind == "close"
        assert raw.ended(by_itself=True)


def check(message: Message, kind: str, value: object) -> None:
    if kind == "answer":
        assert message == ("text", {"type": "done", "ref": value})
    elif kind == "error":
        assert message.kind == "text"
        assert (message.value["type"], message.value["ref"]) == ("error", value)
        assert message.value["problem"]["code"] == "invalid_frame"
    else:
        assert message == (kind, value)


def test_the_server_is_unharmed_by_all_of_them(system: System) -> None:
    assert system.server.process.poll() is None
    assert "Traceback" not in system.server.text()
