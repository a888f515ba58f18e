"""The keys that sign tokens: each type has one algorithm, and what is weak or secret is refused."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.credential import ED25519, P256, RSA, SECRET, PrivateKey, jwk, pem
from tidings_server.auth.key import key_of, keys_of_set

WEAK = generate_rsa(65_537, 1024)  # noqa: S505 - that is the point


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [(pem(RSA), "RS256"), (pem(P256), "ES256"), (pem(ED25519), "EdDSA"), (SECRET, "HS256")],
    ids=["RSA", "P-256", "Ed25519", "secret"],
)
def test_the_type_says_the_algorithm(text: str, algorithm: str) -> None:
    assert key_of(text).algorithm == algorithm
    assert key_of(text.replace("\n", "\\n")).algorithm == algorithm
    assert text not in repr(key_of(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("too short", "32 or more"),
        (RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), "private key"),
        (pem(WEAK), "2048 or more"),
        (pem(generate_private_key(SECP384R1())), "P-256 is needed"),
        ("-----BEGIN PUBLIC KEY-----\nbm8=\n-----END PUBLIC KEY-----", "not a public key"),
        ("-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----", "not a public key"),
    ],
    ids=["short", "private", "weak", "P-384", "broken", "certificate"],
)
def test_what_is_no_key_for_this_is_refused_without_being_repeated(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as wrong:
        key_of(text)
    assert text not in str(wrong.value)


@pytest.mark.parametrize("key", [RSA, P256, ED25519], ids=["RSA", "P-256", "Ed25519"])
def test_a_published_key_is_taken_by_its_id(key: PrivateKey) -> None:
    keys = keys_of_set({"keys": [jwk(key, "one")]})
    assert keys["one"].algorithm == key_of(pem(key)).algorithm


def test_what_a_set_holds_besides_is_left_out() -> None:
    others: list[Any] = [
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "shared"},
        jwk(RSA, "for encryption", use="enc"),
        jwk(RSA, "for another algorithm", alg="RS512"),
        jwk(WEAK, "weak"),
        {"kty": "RSA", "kid": "broken", "n": 7, "e": None},
        {"kty": "XYZ", "kid": "of the future"},
        7,
    ]
    assert list(keys_of_set({"keys": [*others, jwk(P256, "good", alg="ES256")]})) == ["good"]
    documents: list[Any] = [{"keys": others}, {"keys": []}, {"keys": 7}, {}, [], None]
    for document in documents:
        with pytest.raises(ValueError, match="no JWK set"):
            keys_of_set(document)
