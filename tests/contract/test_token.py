from hypothesis import example, given
from hypothesis import strategies as st

from tidings.protocol.tokens import Token, new_token, parse_token, split_token

partitions = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", fullmatch=True)


@given(partitions)
def test_what_was_minted_is_found_again(partition: str) -> None:
    token = new_token(partition)
    assert parse_token(str(token)) == split_token(str(token)) == token


def test_tokens_do_not_repeat() -> None:
    assert len({new_token("default").id for _ in range(10_000)}) == 10_000


@given(st.text())
@example("default." + "a" * 22 + "\n")
@example("." + "a" * 22)
@example("default." + "a" * 21)
@example("a{b}." + "a" * 22)
def test_only_tokens_are_taken_for_tokens(text: str) -> None:
    found = parse_token(text)
    assert found is None or str(found) == text


@given(partitions, st.text(alphabet="{}:* \n", min_size=1, max_size=3))
def test_a_partition_cannot_smuggle_key_syntax(partition: str, dirt: str) -> None:
    assert parse_token(str(Token(partition + dirt, "a" * 22))) is None
