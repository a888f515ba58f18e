"""Who gets a grant, and for how much."""

import time
from datetime import datetime

import pytest

from tidings.protocol.grants import GrantAct
from tidings.protocol.problems import ProblemError
from tidings_server.auth.auth_settings import AuthSettings
from tidings_server.auth.grant import JobScope
from tidings_server.auth.grants.grant_codec import GrantCodec
from tidings_server.auth.grants.grant_issuer import GrantIssuer
from tidings_server.auth.identity import ANYONE, Identity

CODEC = GrantCodec([b"k" * 32])
ISSUER = GrantIssuer(CODEC, 3_600)
WATCH: tuple[GrantAct, ...] = ("watch",)
SCOPE = JobScope(frozenset({"default.AAAAAAAAAAAAAAAAAAAAAA"}))


def alice(*scopes: str, expires_at: float | None = None) -> Identity:
    return Identity(owner="alice", scopes=frozenset(scopes), expires_at=expires_at)


def test_a_grant_says_what_it_allows_and_when_it_ends() -> None:
    issued = ISSUER.issue(alice("watch", "cancel"), SCOPE, ("cancel", "watch", "watch"), 60)
    assert issued.may == ("watch", "cancel")
    grant = CODEC.read(issued.grant)
    assert grant.may == {"watch", "cancel"}
    assert grant.scope == SCOPE
    assert grant.expires_at == pytest.approx(time.time() + 60, abs=5)
    assert datetime.fromisoformat(issued.expires_at).timestamp() == grant.expires_at


@pytest.mark.parametrize(("scopes", "act"), [(("submit",), "watch"), (("watch",), "cancel"), (("watch",), "signal")])
def test_none_gets_a_grant_for_more_than_it_may_itself(scopes: tuple[str, ...], act: str) -> None:
    with pytest.raises(ProblemError) as refused:
        ISSUER.issue(alice(*scopes), SCOPE, (act,), 60, "/grant")  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.problem.field) == ("forbidden", "/grant/may")


def test_an_administrator_may_give_each() -> None:
    for identity in (alice("admin"), ANYONE):
        assert ISSUER.issue(identity, SCOPE, ("watch", "cancel", "signal"), 60).may == ("watch", "cancel", "signal")


def test_a_grant_is_valid_no_longer_than_the_operator_allows() -> None:
    with pytest.raises(ProblemError) as refused:
        ISSUER.issue(alice("watch"), SCOPE, WATCH, 3_601)
    assert (refused.value.code, refused.value.problem.field, refused.value.problem.limit) == (
        "invalid_frame",
        "/ttl",
        3_600,
    )


def test_a_grant_ends_with_the_credential_by_which_it_was_asked_for() -> None:
    soon = time.time() + 30
    issued = ISSUER.issue(alice("watch", expires_at=soon), SCOPE, WATCH, 900)
    assert CODEC.read(issued.grant).expires_at == pytest.approx(soon, abs=0.002)


@pytest.mark.parametrize(
    ("keys", "said"),
    [(("k" * 31,), "key 1 of TIDINGS_GRANT_KEYS has 31 characters"), (("k" * 32,) * 17, "has 17 keys; at most 16")],
)
def test_keys_that_cannot_be_used_are_refused_at_the_start(keys: tuple[str, ...], said: str) -> None:
    settings = AuthSettings(grant_keys=keys)
    with pytest.raises(ValueError, match=said) as refused:
        settings.check_auth("127.0.0.1")
    assert "kkkk" not in str(refused.value)
    assert "kkkk" not in repr(settings)
