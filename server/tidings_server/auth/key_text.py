"""Reading a key from a text: every usual form of a public key is read as one, and never as a shared secret.

If the server took a public key in an unexpected form for the secret of an HMAC, every reader of that key could sign
tokens. So a text that can be read as a public key is one; a text that looks like a key, a path or an address and
cannot be used is refused; only another text may be a secret.

Sources: RFC 7468 (PEM), RFC 5280 and 5208 (DER of public keys, certificates and private keys), RFC 4253, section 6.6
(SSH), RFC 8725, section 2.1 (a public key taken for an HMAC's secret).
"""

import base64
import binascii
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_public_key,
    load_ssh_public_key,
)
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

PRIVATE = "a private key: the server only verifies, give it the public key"

_WRONG = (ValueError, TypeError, UnsupportedAlgorithm)
"""The errors of the loaders; TypeError for a private key that is encrypted."""

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]{1,65536})-----END \1-----")
_MARKED = re.compile(r"BEGIN [A-Z0-9 ]{0,40}(?:KEY|CERTIFICATE)", re.IGNORECASE)
_SSH = re.compile(r"(?:^|\s)((?:ssh-|ecdsa-sha2-|sk-)[a-z0-9@.-]{2,60})\s+(AAAA[A-Za-z0-9+/=]+)")
_FINGERPRINT = re.compile(r"(?:SHA256|MD5):[A-Za-z0-9+/=:]+")
_XML = re.compile(r"<(?:RSAKeyValue|[a-z0-9]*:?KeyInfo|Modulus)\b", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:/|(?:arn|data|env|op|pkcs11|vault):", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\(.*\)|\$\{.*\}|\$[A-Za-z_]+|\{\{.*\}\}")
_PATH = re.compile(
    r"@?(?:\.{1,2}/|~[a-z0-9_-]*/|[A-Za-z]:[\\/]|\\\\|/[a-z]{2,}/|/Users/).*"
    r"|.+\.(?:pem|key|pub|crt|cer|cert|der|jwks?|json|txt|p8|p12|pfx)"
    r"|(?:[a-z0-9_.-]+/)+[a-z0-9_.-]+"
)
_HEX = re.compile(r"(?:0x)?((?:[0-9a-f]{2}[\s:]*){16,})", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_DER_BASE64 = re.compile(r"MI[IGH][A-Za-z0-9+/_-]{96,}|(?:MFkwEwYHKoZIzj0|MHYwEAYHKoZIzj0|MCowBQYDK2V|MEMwBQYDK2V)")
"""The beginnings of DER of keys and certificates in base64, complete or not."""


def public_key_in(text: str) -> object | None:
    """Return the public key that a text holds; None: it holds no key, and may be a secret.

    Raises:
        ValueError: it is a key, or names one, that cannot be used; the message does not repeat it.

    """
    found = _written(text)
    if found is None:
        _refuse_names(text)
        found = _encoded(_unescaped(text))
    return found


def public_key_from_bytes(data: bytes) -> object | None:
    """Return the public key that DER, or an SSH key's blob, holds; None: it is neither.

    Raises:
        ValueError: it is a key that cannot be used.

    """
    for load in (load_der_public_key, lambda der: load_der_x509_certificate(der).public_key(), _ssh_blob):
        try:
            return load(data)
        except _WRONG:
            continue
    if _is_private(data):
        raise ValueError(PRIVATE)
    if _is_der(data):
        raise ValueError("DER that is no public key")
    if _is_point(data):
        raise ValueError("a bare point of a curve: give the public key as PEM")
    return None


def _written(text: str) -> object | None:
    """Return a key that is written as PEM or in the form of SSH."""
    plain = _unescaped(text)
    if "-----BEGIN%20" in plain:
        plain = unquote(plain)
    if "PRIVATE KEY" in plain.upper():
        raise ValueError(PRIVATE)
    if _MARKED.search(plain):
        return _pem(plain)
    match = _SSH.search(plain)
    if match is None:
        return None
    try:
        return load_ssh_public_key(f"{match[1]} {match[2]}".encode())
    except _WRONG:
        raise ValueError("an SSH key that is no public key for signatures: give the public key as PEM") from None


def _unescaped(text: str) -> str:
    """Return a text with the escapes of line breaks replaced: variables of an environment seldom hold line breaks."""
    return text.replace("\\r", "").replace("\\n", "\n")


def _pem(text: str) -> object:
    """Return the key of the first block; in a chain of certificates the others certify that one."""
    blocks = _BLOCK.findall(text)
    if not blocks:
        raise ValueError("not a public key as PEM: it wants its lines BEGIN and END")
    if len(blocks) > 1 and {label for label, _ in blocks} != {"CERTIFICATE"}:
        raise ValueError(f"{len(blocks)} blocks of PEM: give the one public key")
    label, body = blocks[0]
    lines = "\n".join(textwrap.wrap("".join(body.split()), 64))
    pem = f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()
    try:
        if label == "CERTIFICATE":
            return load_pem_x509_certificate(pem).public_key()
        return load_pem_public_key(pem)
    except _WRONG as error:
        raise ValueError("not a public key as PEM") from error


def _refuse_names(text: str) -> None:
    """Refuse a text that names a key and is none, such as a path."""
    if _TOKEN.fullmatch(text):
        raise ValueError("a token: give the key that signs tokens")
    if _XML.search(text):
        raise ValueError("a key as XML: give the public key as PEM")
    if _FINGERPRINT.fullmatch(text):
        raise ValueError("a key's fingerprint: give the public key as PEM")
    if _ADDRESS.match(text):
        raise ValueError("an address: keys that are published are named by TIDINGS_JWT_JWKS_URL")
    if _REFERENCE.fullmatch(text):
        raise ValueError("a reference that was not replaced by what it stands for")
    if (_PATH.fullmatch(text) and not _is_random(text)) or _is_file(text.removeprefix("@")):
        raise ValueError("a path: the file of a key is named by TIDINGS_JWT_KEY_FILE")


def _is_random(text: str) -> bool:
    """Return whether a text looks like random bytes in base64: one in 20,000 of them begins as a path does, `/ab/`."""
    classes = (str.isupper, str.islower, str.isdigit)
    return bool(_BASE64.fullmatch(text)) and len(text) % 4 == 0 and all(any(map(of, text)) for of in classes)


def _encoded(text: str) -> object | None:
    """Return a key in any form that is encoded as hexadecimal or base64."""
    for data in _decodings(text):
        found = public_key_from_bytes(data)
        if found is None and data.isascii():
            found = _written(data.decode())
        if found is not None:
            return found
    if _DER_BASE64.match("".join(text.split())):
        raise ValueError("the beginning of a public key or certificate in base64 that can't be read to its end")
    return None


def _decodings(text: str) -> Iterator[bytes]:
    match = _HEX.fullmatch(text)
    if match:
        yield bytes.fromhex("".join(match[1].replace(":", "").split()))
    plain = "".join(text.split())
    if _BASE64.fullmatch(plain):
        bare = plain.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(bare + "=" * (-len(bare) % 4))
        except binascii.Error:
            return


def _ssh_blob(data: bytes) -> object:
    """Return the key of an SSH blob, which begins with the key's type."""
    size = int.from_bytes(data[:4], "big")
    if not 7 <= size <= 64:
        raise ValueError("no SSH key")
    return load_ssh_public_key(data[4 : 4 + size] + b" " + base64.b64encode(data))


def _is_private(data: bytes) -> bool:
    try:
        load_der_private_key(data, None)
    except TypeError:
        return True  # it asks for the password
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _is_der(data: bytes) -> bool:
    """Return whether the data is one SEQUENCE, as all keys and certificates are, with nothing after it.

    A SEQUENCE or an INTEGER comes first in each of them (RFC 5280, RFC 5958, RFC 8017): a secret of random bytes hardly
    ever begins so.
    """
    if len(data) < 3 or data[0] != 0x30:
        return False
    size = 0 if data[1] < 0x80 else data[1] - 0x80
    length = data[1] if size == 0 else int.from_bytes(data[2 : 2 + size], "big")
    return size <= 3 and len(data) == 2 + size + length and data[2 + size : 3 + size] in (b"\x30", b"\x02")


def _is_point(data: bytes) -> bool:
    """Return whether the data is a point of P-256 (SEC 1, section 2.3.3)."""
    if (len(data), data[:1]) not in ((65, b"\x04"), (33, b"\x02"), (33, b"\x03")):
        return False
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), data)
    except ValueError:
        return False
    return True


def _is_file(text: str) -> bool:
    try:
        return len(text) < 1_024 and Path(text).is_file()
    except (OSError, ValueError):
        return False
