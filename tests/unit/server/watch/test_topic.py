"""The states of a watched topic: the table, walked whole."""

from itertools import product

import pytest

from tidings.protocol.tokens import Token
from tidings_server.watch.topic import STALE, TRANSITIONS, Topic, TopicEvent, TopicState, TopicTransitionError

S, E = TopicState, TopicEvent

EXPECTED = {
    (S.LIVE, E.GAP): S.REPAIRING,
    (S.LIVE, E.REOPENED): S.REPAIRING,
    (S.ASKED, E.REOPENED): S.ASKED_STALE,
    (S.ASKED, E.ANSWERED): S.LIVE,
    (S.ASKED_STALE, E.REOPENED): S.ASKED_STALE,
    (S.ASKED_STALE, E.ANSWERED): S.LIVE,
    (S.REPAIRING, E.REOPENED): S.REPAIRING_STALE,
    (S.REPAIRING, E.REPAIRED): S.LIVE,
    (S.REPAIRING_STALE, E.REOPENED): S.REPAIRING_STALE,
    (S.REPAIRING_STALE, E.REPAIRED): S.LIVE,
}


def topic_in(state: TopicState) -> Topic:
    topic = Topic(Token("q", "1"), seq=7)
    topic.state = state
    return topic


@pytest.mark.parametrize(("state", "event"), list(product(TopicState, TopicEvent)))
def test_every_pair_of_state_and_event_leads_where_the_table_says_or_is_refused(
    state: TopicState, event: TopicEvent
) -> None:
    topic = topic_in(state)
    following = EXPECTED.get((state, event))
    assert topic.takes(event) is (following is not None)
    if following is None:
        with pytest.raises(TopicTransitionError) as refused:
            topic.take(event)
        assert (refused.value.state, refused.value.event, topic.state) == (state, event, state)
    else:
        assert topic.take(event) is topic.state is following


def test_a_topic_begins_live_where_its_number_is_known_and_asked_where_it_is_not() -> None:
    new, earlier = Topic(Token("q", "1"), seq=1), Topic(Token("q", "1"), seq=None)
    assert (new.state, new.seq) == (S.LIVE, 1)
    assert earlier.state is S.ASKED


def test_every_state_is_reached_and_left() -> None:
    reached = {S.LIVE, S.ASKED} | {after for following in TRANSITIONS.values() for after in following.values()}
    assert reached == set(TRANSITIONS) == set(TopicState)
    assert all(set(following.values()) - {state} for state, following in TRANSITIONS.items())


def test_a_stale_state_is_entered_by_a_loss_of_the_inbox_and_by_nothing_else() -> None:
    entering = {event for following in TRANSITIONS.values() for event, after in following.items() if after in STALE}
    assert entering == {E.REOPENED}
