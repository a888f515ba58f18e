"""What each event does to the connection in each state: the whole table, and a log of states that obeys it."""

from itertools import product

import pytest

from tidings.client.connection.connection_state import (
    NEXT_STATES,
    ClientState,
    ConnectionEvent,
    StateChange,
    StateLog,
)

PATHS = {
    ClientState.CONNECTING: [],
    ClientState.OPEN: [ConnectionEvent.GREETED],
    ClientState.RESUMING: [ConnectionEvent.GREETED_BEHIND],
    ClientState.BACKING_OFF: [ConnectionEvent.LOST],
    ClientState.CLOSED: [ConnectionEvent.CLOSED],
}
"""How a new connection comes into each state."""


def expected(state: ClientState, event: ConnectionEvent) -> ClientState | None:
    """Return what the rules say in words, not cell by cell; None: the event cannot come."""
    wanted = None
    match event:
        case ConnectionEvent.CLOSED:  # a program may close its client at any time, once
            wanted = ClientState.CLOSED
        case ConnectionEvent.LOST if state is not ClientState.BACKING_OFF:  # there it has no socket to lose
            wanted = ClientState.BACKING_OFF
        case ConnectionEvent.PAUSE_OVER if state is ClientState.BACKING_OFF:
            wanted = ClientState.CONNECTING
        case ConnectionEvent.GREETED if state is ClientState.CONNECTING:
            wanted = ClientState.OPEN
        case ConnectionEvent.GREETED_BEHIND if state is ClientState.CONNECTING:
            wanted = ClientState.RESUMING
        case ConnectionEvent.CAUGHT_UP if state is ClientState.RESUMING:
            wanted = ClientState.OPEN
    return None if state is ClientState.CLOSED else wanted  # closed is for good


def log_in(state: ClientState) -> StateLog:
    log = StateLog()
    for event in PATHS[state]:
        log.apply(event)
    assert log.last.state is state
    return log


@pytest.mark.parametrize(("state", "event"), list(product(ClientState, ConnectionEvent)))
def test_what_each_event_does_in_each_state(state: ClientState, event: ConnectionEvent) -> None:
    log = log_in(state)
    before, wanted = log.last, expected(state, event)
    assert NEXT_STATES[state].get(event) is wanted
    if wanted is None:
        with pytest.raises(AssertionError, match=event.name):
            log.apply(event, 1006, "gone", 0.5)
        assert log.last is before
    else:
        log.apply(event, 1006, "gone", 0.5)
        assert log.last == StateChange(wanted, state, 1006, "gone", 0.5)


async def test_a_listener_hears_the_present_state_and_each_later_one_until_the_last() -> None:
    log = log_in(ClientState.RESUMING)
    heard = log.follow()
    for event in (ConnectionEvent.CAUGHT_UP, ConnectionEvent.LOST, ConnectionEvent.PAUSE_OVER, ConnectionEvent.CLOSED):
        log.apply(event)
    states = [change.state async for change in heard]
    assert states == ["resuming", "open", "backing-off", "connecting", "closed"]
    assert [change.state async for change in log.follow()] == ["closed"]
