"""Tokens: what is believed, and every way in which one is not."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest

from support.credential import ED25519, P256, RSA, SECRET, PrivateKey, claims, pem, token
from tidings.protocol.problems import ProblemError
from tidings_server.auth.jwt import MAX_TOKEN_CHARS, ConfiguredKey, JwtAuthenticator
from tidings_server.auth.key import key_of


def authenticator(key: str = SECRET, **options: Any) -> JwtAuthenticator:
    fixed: dict[str, Any] = {"issuer": "https://issuer.example", "audience": "tidings", "leeway_s": 0.0}
    return JwtAuthenticator(ConfiguredKey(key_of(key)), **(fixed | options))


async def why_not(credential: str, by: JwtAuthenticator | None = None) -> str:
    with pytest.raises(ProblemError) as refused:
        await (by or authenticator()).identify(credential)
    assert refused.value.code == "unauthenticated"
    assert credential not in str(refused.value) or not credential
    return str(refused.value.problem.detail)


def encoded(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


async def test_a_good_token_says_who_it_is_what_it_may_and_until_when() -> None:
    exp = int(time.time()) + 100
    identity = await authenticator(leeway_s=5).identify(token("bob", "submit watch openid", kinds=["echo"], exp=exp))
    assert identity.owner == "bob"
    assert identity.scopes == {"submit", "watch"}
    assert identity.kinds == frozenset({"echo"})
    assert identity.expires_at == exp + 5
    assert not identity.admin


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (P256, "ES256"), (ED25519, "EdDSA")], ids=["RS256", "ES256", "EdDSA"]
)
async def test_a_public_key_verifies_the_algorithm_of_its_type_and_no_other(key: PrivateKey, algorithm: str) -> None:
    by = authenticator(pem(key))
    assert (await by.identify(token(key=key, algorithm=algorithm))).owner == "alice"
    for other, name in ((RSA, "RS256"), (P256, "ES256"), (ED25519, "EdDSA"), (SECRET, "HS256")):
        if name != algorithm:
            assert "another algorithm" in await why_not(token(key=other, algorithm=name), by)
    if key is RSA:
        assert "another algorithm" in await why_not(token(key=RSA, algorithm="RS512"), by)


async def test_a_token_without_a_signature_is_refused_however_it_spells_that() -> None:
    for name in ("none", "None", "NONE", "nOnE", ""):
        unsigned = f"{encoded({'alg': name, 'typ': 'JWT'})}.{encoded(claims())}."
        await why_not(unsigned)
        await why_not(unsigned, authenticator(pem(RSA)))
    header, payload, _ = token().split(".")
    await why_not(f"{header}.{payload}.")
    await why_not(f"{header}.{payload}")


@pytest.mark.parametrize("key", [RSA, P256, ED25519], ids=["RSA", "P-256", "Ed25519"])
async def test_a_public_key_is_not_taken_for_the_secret_of_an_hmac(key: PrivateKey) -> None:
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims())}"
    for secret in (pem(key), pem(key).strip()):
        mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
        assert "another algorithm" in await why_not(f"{signed}.{encoded(mac)}", authenticator(pem(key)))


async def test_a_changed_payload_or_signature_is_refused() -> None:
    header, payload, signature = token().split(".")
    assert "signature" in await why_not(f"{header}.{encoded(claims('root', 'admin'))}.{signature}")
    assert "signature" in await why_not(f"{header}.{payload}.{encoded(b'x' * 32)}")
    assert "signature" in await why_not(token(key=SECRET + "!"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"exp": int(time.time()) - 1}, "has expired"),
        ({"nbf": int(time.time()) + 86_400}, "not valid yet"),
        ({"iat": int(time.time()) + 86_400}, "not valid yet"),
        ({"aud": "another"}, "another audience"),
        ({"aud": ["another", "and another"]}, "another audience"),
        ({"aud": None}, "lacks a claim"),
        ({"iss": "https://else.example"}, "another issuer"),
        ({"iss": None}, "lacks a claim"),
        ({"exp": None}, "lacks a claim"),
        ({"exp": "soon"}, "not valid"),
        ({"exp": float("inf")}, "not valid"),
        ({"exp": 1e400}, "not valid"),
        ({"iat": "x"}, "not valid"),
        ({"scope": 7}, "claim scope"),
        ({"scope": ["submit", 7]}, "claim scope"),
        ({"kinds": {"echo": 1}}, "claim kinds"),
    ],
)
async def test_a_claim_that_is_not_what_it_must_be(changes: dict[str, Any], says: str) -> None:
    assert says in await why_not(token(**changes))


@pytest.mark.parametrize("sub", [None, "", 7, "a\nb", "a\x00b", "x" * 256, ["alice"]])
async def test_a_subject_that_cannot_own_anything(sub: Any) -> None:
    signed = {**claims(), "sub": sub}
    if sub is None:
        del signed["sub"]
    credential = f"{encoded({'alg': 'HS256'})}.{encoded(signed)}"
    mac = hmac.new(SECRET.encode(), credential.encode(), hashlib.sha256).digest()
    await why_not(f"{credential}.{encoded(mac)}")


async def test_the_audience_may_be_one_of_several_and_the_leeway_bridges_the_clocks() -> None:
    assert (await authenticator().identify(token(aud=["x", "tidings"]))).owner
    assert (await authenticator(leeway_s=30).identify(token(exp=int(time.time()) - 10))).owner
    assert (await authenticator(leeway_s=30).identify(token(nbf=int(time.time()) + 10))).owner


async def test_without_an_audience_in_the_settings_a_token_that_names_one_is_refused() -> None:
    assert "another audience" in await why_not(token(), authenticator(audience=""))
    assert (await authenticator(audience="").identify(token(aud=None))).owner


async def test_a_token_without_an_end_is_taken_where_the_settings_say_so() -> None:
    identity = await authenticator(require_exp=False).identify(token(exp=None))
    assert identity.expires_at is None
    assert "expired" in await why_not(token(exp=1), authenticator(require_exp=False))


async def test_scopes_may_be_a_list_and_a_token_without_them_has_those_of_the_settings() -> None:
    assert (await authenticator().identify(token(scope=None))).scopes == frozenset()
    by = authenticator(default_scopes=("watch",))
    assert (await by.identify(token(scope=None))).scopes == {"watch"}
    assert (await by.identify(token(scope=""))).scopes == frozenset()
    assert (await by.identify(jwt.encode(claims() | {"scope": ["cancel"]}, SECRET))).scopes == {"cancel"}


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "x",
        "..",
        "a.b.c",
        "\ud800.x.y",
        "é.é.é",
        encoded(b"[" * 5000) + ".e30.x",
        encoded(b'{"alg":' + b"[" * 5000) + ".e30.x",
        encoded([1]) + ".e30.x",
        encoded({"alg": ["HS256"]}) + ".e30.x",
        encoded({"alg": "HS256", "kid": 7}) + ".e30.x",
        encoded({"alg": "HS256", "b64": False, "crit": ["b64"]}) + ".e30.x",
        "x" * (MAX_TOKEN_CHARS + 1),
        token() + "." + "x",
    ],
    ids=range(14),
)
async def test_what_is_no_token_is_refused_and_breaks_nothing(credential: str) -> None:
    await why_not(credential)
