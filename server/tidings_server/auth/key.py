"""The keys that verify tokens, each with the one algorithm that it is used with.

The algorithm follows from the key's type and never from the token. So a token that names the algorithm `none`, or one
that uses a public key as the secret of an HMAC, is refused.

Source: RFC 8725 (best current practices for JWT), sections 2.1, 3.1 and 3.2; RFC 7517 (JWK).
"""

import base64
import re
from typing import Any, NamedTuple

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .key_text import PRIVATE, public_key_from_bytes, public_key_in

MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: a key as long as the hash's output, at least."""

MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""


class Key(NamedTuple):
    """A key that verifies signatures."""

    algorithm: str
    """The algorithm by its JWS name: HS256, RS256, ES256 or EdDSA."""
    material: Any

    def __repr__(self) -> str:
        return f"Key({self.algorithm})"  # the material may be a secret

    @property
    def form(self) -> str:
        """Its form, for the log."""
        return "shared secret" if self.algorithm == "HS256" else "public key"


def key_of(text: str) -> Key:
    """Return the key that a setting or a file holds: a public key in any usual form, or a shared secret.

    Raises:
        ValueError: it is not a usable key; the message does not repeat it.

    """
    text = text.lstrip("\ufeff").strip()
    bare = text[1:-1].strip() if text[:1] == text[-1:] and text[:1] in ("'", '"') else text
    key = _json_key(bare)
    if key is not None:
        return key
    material = public_key_in(bare)
    if material is not None:
        return public_key(material)
    secret = text.replace("\\n", "\n").encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"a shared secret of {len(secret)} bytes; {MIN_SECRET_BYTES} or more are needed for HS256")
    return Key("HS256", secret)


def key_in_file(data: bytes) -> Key:
    """Return the key in a file: in a form that `key_of` reads, or DER.

    Raises:
        ValueError: it is not a usable key; the message does not repeat it.

    """
    material = public_key_from_bytes(data)
    if material is not None:
        return public_key(material)
    try:
        return key_of(data.decode())
    except UnicodeDecodeError:
        raise ValueError("what is not text, nor a key as DER") from None


_JSON_KEY = re.compile(r"""["']kty["']""")


def _json_key(text: str) -> Key | None:
    """Return the key of a JWK, or of a JWK set with one key; None: the text is neither."""
    for candidate in (text, _from_base64(text)):
        if candidate[:1] not in ("{", "["):
            continue
        try:
            document = msgspec.json.decode(candidate)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            document = None
        if isinstance(document, dict | list):
            return _key_of_document(document)
        if _JSON_KEY.search(candidate):
            raise ValueError("a JWK that is no JSON")
    return None


def _from_base64(text: str) -> str:
    """Return the decoded text of base64 that begins as JSON does; else an empty text."""
    try:
        return base64.b64decode(text, validate=True).decode() if text.startswith(("ey", "ew", "W")) else ""
    except ValueError:
        return ""


def _key_of_document(document: dict[str, Any] | list[Any]) -> Key:
    entries = document.get("keys", [document]) if isinstance(document, dict) else document
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], dict):
        raise ValueError("JSON that is no JWK: a set of several keys is published and named by TIDINGS_JWT_JWKS_URL")
    entry = entries[0]
    if entry.get("kty") == "oct":
        raise ValueError("a JWK of a shared secret: give the secret itself")
    if "d" in entry:
        raise ValueError(PRIVATE)
    key = _usable(entry)
    if key is None:
        raise ValueError("no JWK of a public key for signatures that is RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA)")
    return key


def public_key(material: object) -> Key:
    """Return a public key with its algorithm.

    Raises:
        ValueError: no supported algorithm fits it.

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
    """Return the keys of a JWK set by their ids, without those that this server cannot use.

    A published secret is no secret, so keys of the type `oct` are left out as well.

    Raises:
        ValueError: it is not a JWK set, or has no usable key.

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
