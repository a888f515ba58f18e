"""Signatures of Standard Webhooks: how a worker signs a delivery, and how its receiver checks it.

The signed text is `id.timestamp.body`; a signature is `v1,` and the base64 of its HMAC-SHA256. A delivery carries one
signature for each secret that is in use, with a space between, so that secrets can be exchanged without a gap.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any, Final, Protocol

DEFAULT_TOLERANCE_S: Final = 300.0
"""How far, s, the time of a delivery may lie from the receiver's clock."""

TOLERANCE_VARIABLE: Final = "TIDINGS_WEBHOOK_TOLERANCE_S"
"""The variable that sets another tolerance."""

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the form, not a secret

MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64
"""The bounds that Standard Webhooks gives for a secret."""

MAX_SIGNATURES: Final = 32
"""Signatures of one delivery that are looked at."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class HeaderFields(Protocol):
    """The headers of a request: a dictionary, or what a web framework or `http.server` gives."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return the names and the values."""


class WebhookVerificationError(Exception):
    """A delivery does not come from a holder of the secret, or not now: do not act on it, and answer 400 or 401."""


class SecretError(ValueError):
    """A text is no secret of a webhook: those are `whsec_` and the base64 of 24 to 64 bytes. The text is not shown."""


def new_secret() -> str:
    """Return a new secret: `whsec_` and the base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def decode_secret(text: str) -> bytes:
    """Return the bytes of a secret; its padding may be missing.

    Raises:
        SecretError: it has another form, or not 24 to 64 bytes.

    """
    encoded = text.strip().removeprefix(SECRET_PREFIX)
    if len(encoded) == len(text.strip()):
        raise SecretError(f"a webhook secret begins with {SECRET_PREFIX}; `tidings webhook secret` makes one")
    try:
        found = base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError(f"what follows {SECRET_PREFIX} in a webhook secret is not base64") from None
    if not MIN_SECRET_BYTES <= len(found) <= MAX_SECRET_BYTES:
        raise SecretError(
            f"a webhook secret has {len(found)} bytes; allowed: {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES}. "
            "`tidings webhook secret` makes one"
        )
    return found


def sign(message_id: str, timestamp: int, body: bytes, secret: str | Iterable[str]) -> str:
    """Return the value of `webhook-signature` for one delivery.

    Args:
        message_id: the value of `webhook-id`; no full stop may be in it, because that divides the signed text.
        timestamp: the value of `webhook-timestamp`, s since the Unix epoch.
        body: the body, byte for byte as it is sent.
        secret: one secret, or all that are in use; one signature is made with each.

    Raises:
        SecretError: a secret has another form, or there is none.
        ValueError: the id has a full stop, or is empty.

    """
    if not message_id or "." in message_id:
        raise ValueError(f"the id of a delivery is {message_id!r}; it must have a character, and no full stop")
    return " ".join(f"v1,{_signature(key, message_id, str(timestamp), body)}" for key in _keys(secret))


def verify(
    headers: HeaderFields,
    body: bytes | str,
    secret: str | Iterable[str],
    *,
    tolerance_s: float | None = None,
    now: float | None = None,
) -> Any:
    """Check that a delivery was signed with a secret, not long ago, and return its body, decoded.

    Args:
        headers: those of the request; the case of their names does not matter.
        body: the body, byte for byte as it came: not decoded and encoded again.
        secret: the secret; or several, each of which is accepted, while one takes the place of another.
        tolerance_s: how far, s, the delivery's time may lie from now, in either direction; None: what the variable
            `TIDINGS_WEBHOOK_TOLERANCE_S` says, or else 300.
        now: s since the Unix epoch; None: the time of this machine.

    Returns:
        The body's JSON value: of the default format an object with `type`, `timestamp` and `data`.

    Raises:
        WebhookVerificationError: a header is missing or malformed, the time is too far away, no signature was made with
            a secret given here, or the body is not JSON.
        SecretError: a secret has another form, or there is none.

    """
    keys = _keys(secret)
    named = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (
        named.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    if not (message_id and timestamp and signatures):
        raise WebhookVerificationError("webhook-id, webhook-timestamp or webhook-signature is missing")
    _check_time(timestamp, _tolerance() if tolerance_s is None else tolerance_s, time.time() if now is None else now)
    expected = [_signature(key, message_id, timestamp, raw).encode() for key in keys]
    given = [
        signature.encode("utf-8", "surrogatepass")
        for version, _, signature in (one.partition(",") for one in signatures.split(" ", MAX_SIGNATURES))
        if version == "v1"
    ]
    # Each pair is compared, whatever comes before it: how long this takes tells nothing about which of them fits.
    matches = sum(hmac.compare_digest(one, other) for one in expected for other in given[:MAX_SIGNATURES])
    if not matches:
        raise WebhookVerificationError("no signature of this delivery was made with the secret")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise WebhookVerificationError("the body is not JSON") from None


def _keys(secret: str | Iterable[str]) -> list[bytes]:
    keys = [decode_secret(one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise SecretError("no secret was given")
    return keys


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    head = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(key, head + body, hashlib.sha256)).decode()


def _check_time(timestamp: str, tolerance_s: float, now: float) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookVerificationError("webhook-timestamp is not a number of seconds since 1970")
    age = now - int(timestamp)
    if not abs(age) <= tolerance_s:  # also where the tolerance is NaN
        raise WebhookVerificationError(
            f"the delivery's time lies {abs(age):.0f} s in the {'past' if age > 0 else 'future'}; "
            f"{tolerance_s:g} s are allowed"
        )


def _tolerance() -> float:
    text = os.environ.get(TOLERANCE_VARIABLE, "")
    try:
        tolerance = float(text) if text else DEFAULT_TOLERANCE_S
    except ValueError:
        tolerance = -1.0
    if not 0 < tolerance <= 86_400:
        raise ValueError(f"{TOLERANCE_VARIABLE} is {text!r}; allowed: above 0, at most 86400 (s)")
    return tolerance
