"""What a client has of a message, whatever attempts write and whenever they die."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_server.chat.message_replay import RESET_STEP, MalformedPartError, MessageReplay

START, STEP, END = '{"type":"start","messageId":"m"}', '{"type":"start-step"}', '{"type":"finish"}'


def text(word: str) -> str:
    return json.dumps({"type": "text-delta", "id": "1", "delta": word}, separators=(",", ":"))


def shown(parts: list[str]) -> list[str]:
    """Return the parts that a page shows, as the AI SDK takes them: a `reset-step` drops what follows the last step."""
    found: list[str] = []
    for part in parts:
        if part == RESET_STEP:
            while found and found[-1] != STEP:
                found.pop()
        elif part != START:
            found.append(part)
    return found


WORDS = st.lists(st.sampled_from("abc"), max_size=3)
STEPS = st.lists(WORDS, min_size=1, max_size=3)


def message(steps: list[list[str]]) -> list[str]:
    return [START, *(part for words in steps for part in (STEP, *map(text, words))), END]


@given(attempts=st.lists(STEPS, min_size=1, max_size=4), cuts=st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_a_client_has_what_the_last_attempt_wrote_or_knows_that_it_has_not(
    attempts: list[list[list[str]]], cuts: list[int]
) -> None:
    replay, sent = MessageReplay(), list[str]()
    for number, steps in enumerate(attempts):
        whole = message(steps)
        last = number == len(attempts) - 1
        if number:
            replay.begin_again()
        for part in whole if last else whole[: cuts[number]]:
            sent += replay.take([part])
    if replay.whole:
        assert shown(sent) == shown(message(attempts[-1]))
        assert replay.finished
    else:
        assert len(attempts) > 1


def test_the_first_step_written_again_is_no_loss() -> None:
    replay = MessageReplay()
    replay.take([START, STEP, text("a")])
    replay.begin_again()
    assert replay.take([START]) == []
    assert not replay.whole
    assert replay.take([STEP, text("b")]) == [RESET_STEP, text("b")]
    assert replay.whole


def test_an_earlier_step_that_is_another_cannot_be_taken_back() -> None:
    replay = MessageReplay()
    replay.take([START, STEP, text("a"), STEP, text("b")])
    replay.begin_again()
    assert replay.take([START, STEP, text("c"), STEP, text("b")]) == []
    assert replay.lost


def test_parts_without_a_step_cannot_be_taken_back_and_the_head_may_come_twice() -> None:
    replay = MessageReplay()
    assert replay.take([START]) == [START]
    replay.begin_again()
    assert replay.take([START, text("a")]) == [START, text("a")]
    replay.begin_again()
    assert replay.lost
    assert replay.take([START]) == []


@pytest.mark.parametrize("chunk", ['"text"', "1", "{}", "null", '{"type":1}'])
def test_what_is_no_part_is_told(chunk: str) -> None:
    with pytest.raises(MalformedPartError):
        MessageReplay().take([chunk])


EARLIER = [
    '{"type":"data-tidings-earlier","transient":true,"data":{"text":"[{\\"type\\":","last":false}}',
    '{"type":"data-tidings-earlier","transient":true,"data":{"text":"\\"start-step\\"}]","last":true}}',
]


def test_who_has_asked_has_what_the_message_goes_on_with_and_who_resumes_gets_it_in_front() -> None:
    said = [START, *EARLIER, STEP, text("a")]
    assert MessageReplay().take(said) == [START, STEP, text("a")]
    replay = MessageReplay("q.1")
    assert replay.take(said) == [START, STEP, STEP, text("a")]
    replay.begin_again()
    assert replay.take([*said[:-1], text("b")]) == [RESET_STEP, text("b")]


def test_who_resumes_gets_nothing_of_a_message_that_goes_on_with_one_which_no_chunk_holds() -> None:
    replay = MessageReplay("q.1")
    lacking = [(replay.take([part]), replay.lacks_earlier) for part in (START, STEP, text("a"))]
    assert lacking == [([], False), ([], True), ([], True)]
    assert MessageReplay("m").take([START, STEP]) == [START, STEP]


def test_an_attempt_that_dies_in_the_middle_of_what_was_before_is_taken_from_its_beginning() -> None:
    replay = MessageReplay("q.1")
    assert replay.take([START, EARLIER[0]]) == []
    replay.begin_again()
    assert replay.take([START, *EARLIER]) == [START, STEP]
    replay.begin_again()
    assert replay.lost


@pytest.mark.parametrize("data", ["1", '{"text":"[","last":true}', '{"text":"1","last":true}', '{"text":1}'])
def test_what_holds_no_message_is_told(data: str) -> None:
    chunk = f'{{"type":"data-tidings-earlier","data":{data}}}'
    with pytest.raises(MalformedPartError):
        MessageReplay("q.1").take([START, chunk])
