"""The keys that sign tokens: each type has one algorithm, and what is weak or secret is refused."""

import base64
import datetime as dt
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from support.credential import ED25519, P256, RSA, SECRET, PrivateKey, jwk, pem
from tidings_server.auth.key import key_in_file, key_of, keys_of_set

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


SPKI, PKCS1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
DER, PEM, POINT = Encoding.DER, Encoding.PEM, Encoding.X962


def certificate(key: PrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    return made.sign(key, None if key is ED25519 else SHA256())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def der(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(DER, SPKI)


def ssh(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def body(text: str) -> str:
    """Return PEM without its first and last line."""
    return "\n".join(text.strip().splitlines()[1:-1])


FORMS: dict[str, Callable[[PrivateKey], str]] = {
    "bare base64": lambda key: b64(der(key)),
    "bare base64 without padding, for URLs": lambda key: base64.urlsafe_b64encode(der(key)).decode().rstrip("="),
    "body of PEM": lambda key: body(pem(key)),
    "body of PEM with CRLF": lambda key: body(pem(key)).replace("\n", "\r\n"),
    "body of PEM with escapes": lambda key: body(pem(key)).replace("\n", "\\n"),
    "PEM in quotes": lambda key: f'"{pem(key)}"',
    "PEM on one line": lambda key: pem(key).replace("\n", " "),
    "PEM without line breaks": lambda key: pem(key).replace("\n", ""),
    "PEM with escaped CRLF": lambda key: pem(key).replace("\n", "\\r\\n"),
    "PEM for URLs": lambda key: pem(key).replace(" ", "%20").replace("\n", "%0A"),
    "PEM after a comment": lambda key: "Key of the issuer\n" + pem(key),
    "PEM with a byte order mark": lambda key: "\ufeff" + pem(key),
    "base64 of PEM": lambda key: b64(pem(key).encode()),
    "hexadecimal": lambda key: der(key).hex(),
    "hexadecimal with colons": lambda key: der(key).hex(":").upper(),
    "hexadecimal of PEM": lambda key: pem(key).encode().hex(),
    "SSH": ssh,
    "SSH with a comment": lambda key: f"{ssh(key)} root@issuer",
    "body of SSH": lambda key: ssh(key).split()[1],
    "authorized_keys": lambda key: f"restrict {ssh(key)}",
    "JWK": lambda key: json.dumps(jwk(key, "one")),
    "JWK in lines": lambda key: json.dumps(jwk(key, "one"), indent=2),
    "base64 of a JWK": lambda key: b64(json.dumps(jwk(key, "one")).encode()),
    "JWK set": lambda key: json.dumps({"keys": [jwk(key, "one")]}),
    "certificate": lambda key: certificate(key).public_bytes(PEM).decode(),
    "certificates": lambda key: (
        certificate(key).public_bytes(PEM).decode() + certificate(P256).public_bytes(PEM).decode()
    ),
    "bare certificate": lambda key: b64(certificate(key).public_bytes(DER)),
    "body of a certificate": lambda key: body(certificate(key).public_bytes(PEM).decode()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [RSA, P256, ED25519], ids=["RSA", "P-256", "Ed25519"])
def test_a_public_key_in_any_form_verifies_and_is_never_a_secret(key: PrivateKey, form: str) -> None:
    text = FORMS[form](key)
    found = key_of(text)
    assert found.algorithm == key_of(pem(key)).algorithm
    assert found.material.public_bytes(DER, SPKI) == der(key)


@pytest.mark.parametrize("encoding", [PEM, DER])
def test_the_older_form_of_an_rsa_key_is_taken(encoding: Encoding) -> None:
    data = RSA.public_key().public_bytes(encoding, PKCS1)
    assert key_of(data.decode() if encoding is PEM else b64(data)).algorithm == "RS256"


def test_a_file_may_hold_a_key_as_der() -> None:
    assert key_in_file(der(P256)).algorithm == "ES256"
    assert key_in_file(certificate(RSA).public_bytes(DER)).algorithm == "RS256"
    assert key_in_file(pem(ED25519).encode()).algorithm == "EdDSA"


PKCS8 = RSA.private_bytes(DER, PrivateFormat.PKCS8, NoEncryption())
LOCKED = P256.private_bytes(DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush"))


REFUSED = [
    (b64(PKCS8), "private key"),
    (b64(LOCKED), "private key"),
    (PKCS8.hex(), "private key"),
    (b64(RSA.private_bytes(PEM, PrivateFormat.OpenSSH, NoEncryption())), "private key"),
    (json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(P256, as_dict=True)), "private key"),
    (json.dumps({"kty": "oct", "k": b64(secrets.token_bytes(32))}), "shared secret"),
    (json.dumps({"keys": [jwk(RSA, "one"), jwk(P256, "two")]}), "several keys"),
    (json.dumps(jwk(RSA, "one", alg="RS512")), "RS256"),
    (json.dumps(jwk(RSA, "one", use="enc")), "for signatures"),
    (json.dumps(jwk(RSA, "one"))[:-1], "no JSON"),
    (str(jwk(RSA, "one")), "no JSON"),
    (json.dumps({"realm": "demo", "public_key": b64(der(RSA))}), "no JWK"),
    (b64(der(RSA))[:-40], "can't be read"),
    (b64(der(P256))[:-8], "can't be read"),
    (b64(der(WEAK)), "2048 or more"),
    (b64(der(P256)) + "\n" + b64(der(P256)), "can't be read"),
    ("-----BEGIN PUBLIC KEY-----\n" + body(pem(RSA)), "BEGIN and END"),
    ("BEGIN PUBLIC KEY\n" + body(pem(RSA)) + "\nEND PUBLIC KEY", "BEGIN and END"),
    (pem(RSA).lower(), "BEGIN and END"),
    (pem(RSA) + pem(P256), "2 blocks"),
    ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "BEGIN and END"),
    ("ssh-dss AAAAB3NzaC1kc3MAAACBAJ", "SSH key"),
    ("SHA256:" + b64(secrets.token_bytes(32)).rstrip("="), "fingerprint"),
    ("<RSAKeyValue><Modulus>vbKs0bJ2</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>", "XML"),
    (P256.public_key().public_bytes(POINT, PublicFormat.UncompressedPoint).hex(), "PEM"),
    (b64(P256.public_key().public_bytes(POINT, PublicFormat.UncompressedPoint)), "PEM"),
    (jwt.encode({"sub": "alice"}, SECRET), "a token"),
    ("/etc/tidings/keys/of-the-issuer/public", "TIDINGS_JWT_KEY_FILE"),
    ("./keys/of-the-issuer/in-production/public", "TIDINGS_JWT_KEY_FILE"),
    ("~/keys/of-the-issuer/in-production/public", "TIDINGS_JWT_KEY_FILE"),
    ("keys/of-the-issuer/in-production/public", "TIDINGS_JWT_KEY_FILE"),
    ("@/run/secrets/jwt_public_key_of_the_issuer", "TIDINGS_JWT_KEY_FILE"),
    ("the-public-key-of-the-issuer-in-production.pem", "TIDINGS_JWT_KEY_FILE"),
    (r"C:\keys\of-the-issuer\in-production\public", "TIDINGS_JWT_KEY_FILE"),
    ("file:///etc/tidings/keys/of-the-issuer.pem", "an address"),
    ("https://issuer.example/.well-known/jwks.json", "TIDINGS_JWT_JWKS_URL"),
    ("${THE_PUBLIC_KEY_OF_THE_ISSUER_IN_PRODUCTION}", "not replaced"),
    ("$(cat /run/secrets/jwt_public_key_of_the_issuer)", "not replaced"),
]


# Numbers, as the keys in the texts are others in each process.
@pytest.mark.parametrize(("text", "says"), REFUSED, ids=range(len(REFUSED)))
def test_what_looks_like_a_key_or_names_one_is_no_secret(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as wrong:
        key_of(text)
    assert text not in str(wrong.value)


def test_the_path_of_a_file_that_exists_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "Key Of The Issuer In Production, Public"
    (tmp_path / name).write_text(pem(RSA))
    for text in (name, str(tmp_path / name), f"@{name}"):
        with pytest.raises(ValueError, match="TIDINGS_JWT_KEY_FILE"):
            key_of(text)


def test_secrets_as_people_make_them_are_taken_as_they_are() -> None:
    for _ in range(500):
        data = secrets.token_bytes(48)
        made = (data.hex(), b64(data), b64(data[:32]), base64.urlsafe_b64encode(data).decode(), data[:16].hex())
        for text in made:
            assert key_of(text) == ("HS256", text.encode())
    for text in (
        "correct horse battery staple, and then some",
        "p@ss/w0rd:with$signs{and}brackets!!!!",
        '{"' + "x" * 40,
        "/vnvm/8C8SoeRTh+4mHB3cOSpyGh7A0dDgHJb33TMbk=",
        "/zj/6bVaxdswfKe1OsC03+s5yxAGTLlVVTJyRNOlUJGI8w4p286sPXZnlNLjaIrs",
    ):
        assert key_of(text) == ("HS256", text.encode())
