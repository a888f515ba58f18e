"""Webhooks: check the signature of a delivery, and sign one, by Standard Webhooks; with the standard library alone."""

from .signature import (
    DEFAULT_TOLERANCE_S,
    SecretError,
    WebhookVerificationError,
    decode_secret,
    new_secret,
    sign,
    verify,
)

__all__ = [
    "DEFAULT_TOLERANCE_S",
    "SecretError",
    "WebhookVerificationError",
    "decode_secret",
    "new_secret",
    "sign",
    "verify",
]
