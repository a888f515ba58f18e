"""The keys that sign tokens, each with the one algorithm it is used with.

The algorithm follows from the key's type and never from the token: a token that says `none`, or that
takes a public key for the secret of an HMAC, is signed by no key of ours.

Source: RFC 8725 (best current practices for JWT), sections 2.1, 3.1 and 3.2; RFC 7517 (JWK).
"""

from typing import Any, NamedTuple

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: a key as long as the hash's output, at least."""

MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""


class Key(NamedTuple):
    """A key that verifies."""

    algorithm: str
    """As JWS has it: HS256, RS256, ES256 or EdDSA."""
    material: Any

    def __repr__(self) -> str:
        return f"Key({self.algorithm})"  # the material may be a secret


def key_of(text: str) -> Key:
    """Return the key that a setting or a file holds: PEM (public key, certificate), or a shared secret.

    Raises:
        ValueError: it is none; the text does not repeat it.

    """
    text = text.replace("\\n", "\n").strip()  # environments seldom carry line breaks
    if "PRIVATE KEY-----" in text:
        raise ValueError("a private key: the server only verifies, give it the public key")
    if text.startswith("-----BEGIN"):
        return public_key(_load(text.encode()))
    secret = text.encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"a shared secret of {len(secret)} bytes; {MIN_SECRET_BYTES} or more are needed for HS256")
    return Key("HS256", secret)


def _load(pem: bytes) -> object:
    try:
        if pem.startswith(b"-----BEGIN CERTIFICATE"):
            return load_pem_x509_certificate(pem).public_key()
        return load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a public key as PEM") from error


def public_key(material: object) -> Key:
    """Return a public key with its algorithm.

    Raises:
        ValueError: none of ours fits it.

    """
    match material:
        case RSAPublicKey():
            if material.key_size < MIN_RSA_BITS:
                raise ValueError(f"an RSA key of {material.key_size} bits; {MIN_RSA_BITS} or more are needed")
            return Key("RS256", material)
        case EllipticCurvePublicKey():
            if material.curve.name != SECP256R1.name:
                raise ValueError(f"a key on the curve {material.curve.name}; P-256 is needed (ES256)")
            return Key("ES256", material)
        case Ed25519PublicKey():
            return Key("EdDSA", material)
        case _:
            raise ValueError("a key of another type than RSA, P-256 and Ed25519")


def keys_of_set(document: Any) -> dict[str, Key]:
    """Return the keys of a JWK set by their ids; those that are not for us are left out.

    A secret in a published set is no secret, so that `oct` is left out as well.

    Raises:
        ValueError: it is not a JWK set, or has no key for us.

    """
    entries = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, Key] = {}
    for entry in entries if isinstance(entries, list) else ():
        key = _usable(entry)
        if key is not None:
            found[str(entry.get("kid", ""))] = key
    if not found:
        raise ValueError("no JWK set with a key for signatures that is RSA, P-256 or Ed25519")
    return found


def _usable(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
        return None
    try:
        key = public_key(jwt.PyJWK(entry, algorithm=_ALGORITHM.get(str(entry.get("kty")))).key)
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key if entry.get("alg", key.algorithm) == key.algorithm else None


_ALGORITHM = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
