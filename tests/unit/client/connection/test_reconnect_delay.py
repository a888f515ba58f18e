"""How long the client stays away: draws are passed in, so each answer is exact."""

import pytest

from tidings.client.connection.reconnect_delay import STABLE_S, ReconnectBackoff, SocketEnd
from tidings.protocol.frames.close_codes import CLOSE_CODES

BROKEN = SocketEnd(1006, "broken")
HIGHEST = 1.0
"""The draw that shows the ceiling."""


def test_the_ceiling_doubles_with_each_failure_up_to_half_a_minute() -> None:
    pauses = ReconnectBackoff()
    assert [pauses.after(BROKEN, HIGHEST) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert pauses.after(BROKEN, 0.25) == 7.5
    assert pauses.after(BROKEN, 0) == 0


def test_only_a_connection_that_lasted_forgets_the_failures_before_it() -> None:
    pauses = ReconnectBackoff()
    for _ in range(4):
        pauses.after(BROKEN, HIGHEST)
    assert pauses.after(SocketEnd(1006, "", lasted_s=STABLE_S - 0.1), HIGHEST) == 8
    assert pauses.after(SocketEnd(1006, "", lasted_s=STABLE_S), HIGHEST) == 0.5


@pytest.mark.parametrize("code", [1012, 4000])
def test_a_routine_end_leads_back_at_once_whatever_failed_before(code: int) -> None:
    pauses = ReconnectBackoff()
    for _ in range(4):
        pauses.after(BROKEN, HIGHEST)
    assert pauses.after(SocketEnd(code, ""), HIGHEST) == 0.5
    assert pauses.after(SocketEnd(code, ""), HIGHEST) == 8  # but not again and again without one that lasts
    assert pauses.after(SocketEnd(code, "", lasted_s=STABLE_S), 0.5) == 0.25


def test_the_time_that_was_given_is_waited_for_in_full() -> None:
    pauses = ReconnectBackoff()
    assert pauses.after(SocketEnd(1012, "", server_delay_s=7), HIGHEST) == 7  # different for each client as it is
    assert pauses.after(SocketEnd(4029, "", server_delay_s=60), HIGHEST) == 60.5


@pytest.mark.parametrize("code", [*CLOSE_CODES, 1011, 4999])
def test_whether_to_come_back_is_what_the_table_says_and_yes_for_what_is_not_in_it(code: int) -> None:
    assert SocketEnd(code, "").reconnect == (code not in CLOSE_CODES or CLOSE_CODES[code].reconnect)
