"""Frames as clients and servers of version 1 send them: whatever is added, these stay readable.

A line may be added here when the contract grows. None may be changed or removed. What a server refuses as an unknown
field becomes known only where `hello.features` names it.
"""

from pathlib import Path

import msgspec
import pytest

from tidings.protocol.frames.messages import ClientFrame, ServerFrame

GOLDEN = Path(__file__).parent / "golden"


def lines(name: str) -> list[str]:
    return (GOLDEN / name).read_text().splitlines()


@pytest.mark.parametrize("line", lines("client.ndjson"))
def test_what_a_client_of_version_1_sends_is_read(line: str) -> None:
    frame = msgspec.json.decode(line, type=ClientFrame)
    again = msgspec.json.decode(msgspec.json.encode(frame))
    sent = msgspec.json.decode(line)
    assert {name: again[name] for name in sent if name in again} == {
        name: value for name, value in sent.items() if name in again
    }


@pytest.mark.parametrize("line", lines("client_refused.ndjson"))
def test_a_field_of_a_request_that_no_server_knows_is_refused(line: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(line, type=ClientFrame)


@pytest.mark.parametrize("line", lines("server.ndjson"))
def test_what_a_server_of_version_1_sends_is_read_and_written_with_nothing_gone(line: str) -> None:
    frame = msgspec.json.decode(line, type=ServerFrame)
    assert_nothing_gone(msgspec.json.decode(line), msgspec.json.decode(msgspec.json.encode(frame)))


def assert_nothing_gone(old: object, new: object) -> None:
    """Assert that `new` says all that `old` does; it may say more."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            assert name in new
            assert_nothing_gone(value, new[name])
    else:
        assert new == old
