"""The text of a grant: what is written is read, and nothing else is."""

import string
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.grants import GRANT_ACTS, MAX_GRANT_CHARS, MAX_GRANT_JOBS
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import new_token
from tidings_server.auth.grant import Grant, JobScope, TagScope
from tidings_server.auth.grants.grant_codec import GrantCodec

OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32

tokens = st.builds(lambda queue: str(new_token(queue)), st.sampled_from(["default", "a", "pictures-2"]))
scopes = st.one_of(
    st.builds(JobScope, st.frozensets(tokens, min_size=1, max_size=MAX_GRANT_JOBS)),
    st.builds(TagScope, st.text(string.printable, min_size=1, max_size=255), st.text("abc:/", min_size=1, max_size=64)),
)
grants = st.builds(
    Grant,
    scope=scopes,
    may=st.frozensets(st.sampled_from(GRANT_ACTS), min_size=1),
    expires_at=st.integers(0, 2**42).map(lambda ms: ms / 1000),
)


def one(**changes: object) -> Grant:
    grant = Grant(scope=JobScope(frozenset({str(new_token("default"))})), may=frozenset({"watch"}), expires_at=2e9)
    return msgspec.structs.replace(grant, **changes)


@given(grants)
def test_a_grant_is_read_as_it_was_written(grant: Grant) -> None:
    codec = GrantCodec([NEW])
    text = codec.write(grant)
    assert codec.read(text) == grant
    assert text.startswith("tdg_")
    assert len(text) <= MAX_GRANT_CHARS
    assert set(text) <= set(string.ascii_letters + string.digits + "-_"), "it is safe in a URL as it is"


@given(grants, st.data())
def test_no_changed_character_goes_unnoticed(grant: Grant, data: st.DataObject) -> None:
    codec = GrantCodec([NEW])
    text = codec.write(grant)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([char for char in "Az09-_=. é" if char != text[place]]))
    with pytest.raises(ProblemError) as refused:
        codec.read(text[:place] + other + text[place + 1 :])
    assert refused.value.code == "unauthenticated"


@given(st.text(max_size=60).map("tdg_1".__add__) | st.text(max_size=60))
def test_no_text_is_a_grant_by_chance(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        GrantCodec([NEW]).read(text, "/grant")
    assert (refused.value.code, refused.value.problem.field) == ("unauthenticated", "/grant")


@pytest.mark.parametrize("kept", [0, 4, 5, 20, -1, -22])
def test_a_grant_that_was_cut_is_refused(kept: int) -> None:
    codec = GrantCodec([NEW])
    with pytest.raises(ProblemError, match="unauthenticated"):
        codec.read(codec.write(one())[:kept])


def test_the_first_key_signs_and_every_key_is_accepted() -> None:
    grant = one()
    before, during, after = GrantCodec([OLD]), GrantCodec([NEW, OLD]), GrantCodec([NEW])
    assert during.read(before.write(grant)) == grant
    assert after.read(during.write(grant)) == grant
    with pytest.raises(ProblemError, match="unauthenticated"):
        after.read(before.write(grant))
    with pytest.raises(ProblemError, match="unauthenticated"):
        GrantCodec([FOREIGN]).read(during.write(grant))


def test_a_signature_says_nothing_of_another_form() -> None:
    codec = GrantCodec([NEW])
    text = codec.write(one())
    with pytest.raises(ProblemError, match="unauthenticated"):
        codec.read(text.replace("tdg_1", "tdg_2", 1))


def test_every_key_is_compared_in_constant_time_whether_or_not_one_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac  # noqa: PLC0415 - the module whose function is replaced

    compared: list[bool] = []
    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared.append(compare(one, other))
        return compared[-1]

    codec = GrantCodec([NEW, OLD, FOREIGN])
    text = codec.write(one())
    monkeypatch.setattr(hmac, "compare_digest", counting)
    codec.read(text)
    assert compared == [True, False, False]
    with pytest.raises(ProblemError):
        codec.read(text[:-1] + ("A" if text[-1] != "A" else "E"))
    assert len(compared) == 6


def test_a_grant_that_names_too_much_is_refused_with_its_limit() -> None:
    many = frozenset(str(new_token("q" * 63)) for _ in range(MAX_GRANT_JOBS))
    assert len(GrantCodec([NEW]).write(one(scope=JobScope(many)))) <= MAX_GRANT_CHARS, "of one queue so many fit"
    with pytest.raises(ProblemError) as refused:
        GrantCodec([NEW]).write(one(scope=TagScope("\U0001f600" * 255, "t")))
    assert (refused.value.code, refused.value.problem.limit) == ("too_large", MAX_GRANT_CHARS)


def test_without_a_key_a_grant_can_be_neither_written_nor_read() -> None:
    codec = GrantCodec()
    for use in (lambda: codec.write(one()), lambda: codec.read("tdg_1AAAA")):
        with pytest.raises(ProblemError, match="auth_unavailable"):
            use()


def test_a_grant_covers_its_jobs_until_its_end() -> None:
    token = str(new_token("default"))
    grant = one(scope=JobScope(frozenset({token})), expires_at=1_000.0)
    assert grant.covers(token, "anyone", now=999.9)
    assert not grant.covers(token, "anyone", now=1_000.0)
    assert not grant.covers(str(new_token("default")), "anyone", now=0)
    assert not grant.covers_tag("a")


def test_a_grant_for_a_tag_covers_that_owners_jobs_with_it() -> None:
    grant = one(scope=TagScope("alice", "a"), expires_at=time.time() + 60)
    assert grant.covers("default.x", "alice", ["b", "a"])
    assert not grant.covers("default.x", "alice", ["b"])
    assert not grant.covers("default.x", "bob", ["a"])
    assert (grant.covers_tag("a"), grant.covers_tag("b")) == (True, False)
