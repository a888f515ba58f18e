"""Credentials for tests: keys of every type, and tokens signed with them."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECRET = "a shared secret of more than 32 bytes, for tests alone"  # noqa: S105

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

RSA = generate_rsa(65_537, 2048)
P256 = generate_private_key(SECP256R1())
ED25519 = Ed25519PrivateKey.generate()

JWT_SERVER = {
    "TIDINGS_AUTH": "jwt",
    "TIDINGS_JWT_KEY": SECRET,
    "TIDINGS_JWT_ISSUER": "https://issuer.example",
    "TIDINGS_JWT_AUDIENCE": "tidings",
    "TIDINGS_JWT_LEEWAY_S": "0",
}
"""The environment of a server that takes what `token` makes."""


def claims(sub: str = "alice", scope: str | None = "submit watch cancel", **changes: Any) -> dict[str, Any]:
    """Return the claims of a good token, with some changed; those that are None left out."""
    now = time.time()
    good = {
        "sub": sub,
        "scope": scope,
        "iss": "https://issuer.example",
        "aud": "tidings",
        "iat": int(now),
        "exp": int(now) + 7200,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(
    sub: str = "alice",
    scope: str | None = "submit watch cancel",
    *,
    key: PrivateKey | str = SECRET,
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """Return a signed token."""
    return jwt.encode(claims(sub, scope, **changes), key, algorithm, headers)


def bearer(credential: str) -> dict[str, str]:
    """Return the header that presents a credential."""
    return {"authorization": f"Bearer {credential}"}


def pem(key: PrivateKey) -> str:
    """Return the public half as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key: PrivateKey, kid: str, **more: str) -> dict[str, Any]:
    """Return the public half as an entry of a JWK set."""
    kinds: list[tuple[type, type[Any]]] = [
        (RSAPrivateKey, jwt.algorithms.RSAAlgorithm),
        (EllipticCurvePrivateKey, jwt.algorithms.ECAlgorithm),
        (Ed25519PrivateKey, jwt.algorithms.OKPAlgorithm),
    ]
    algorithm = next(algorithm for kind, algorithm in kinds if isinstance(key, kind))
    entry: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    return entry | {"kid": kid, "use": "sig"} | more
