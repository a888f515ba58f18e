"""The file in which operators give callers webhooks and secrets of their own: `TIDINGS_WEBHOOK_CALLERS_FILE`.

It is a JSON object: owner → `{"url": …, "events": […], "format": …, "secrets": ["whsec_…"]}`, where each field may be
missing. A server reads where the events of all jobs of an owner go, a worker reads by which secrets it signs.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from tidings.logging.printable import printable
from tidings.protocol.webhooks import WebhookEvent, WebhookRequest

from .signature import SecretError, decode_secret

MAX_FILE_BYTES = 4_194_304
MAX_SECRETS = 4
"""Secrets that are in use at a time; each adds a signature to each delivery."""

CALLERS_VARIABLE = "TIDINGS_WEBHOOK_CALLERS_FILE"


class CallerWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file says of one owner."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2_048)] | None = None
    events: Annotated[tuple[WebhookEvent, ...], msgspec.Meta(min_length=1)] | None = None
    format: Literal["standard", "cloudevents"] = "standard"
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "CallerWebhook(…)"

    def request(self) -> WebhookRequest | None:
        """Return the webhook of all jobs of the owner; None: there is none."""
        return None if self.url is None else WebhookRequest(url=self.url, events=self.events, format=self.format)


def read_callers(path: str) -> dict[str, CallerWebhook]:
    """Read the file; no path: nothing.

    Raises:
        ValueError: it cannot be read; one line that names the variable and the place in the file, and no secret.

    """
    if not path:
        return {}
    where = f"{CALLERS_VARIABLE} ({printable(path)})"
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}") from None
    if len(text) > MAX_FILE_BYTES:
        raise ValueError(f"{where} is larger than {MAX_FILE_BYTES} bytes")
    try:
        found = msgspec.json.decode(text, type=dict[str, CallerWebhook])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{where}: {error}") from None
    for owner, one in found.items():
        try:
            check_secrets(one.secrets)
        except SecretError as error:
            raise ValueError(f"{where}: {printable(owner)}: {error}") from None
    return found


def check_secrets(secrets: tuple[str, ...]) -> None:
    """Check secrets that are to be in use at the same time.

    Raises:
        SecretError: one has another form, or there are too many.

    """
    if len(secrets) > MAX_SECRETS:
        raise SecretError(f"{len(secrets)} secrets are in use at a time; allowed: {MAX_SECRETS}")
    for one in secrets:
        decode_secret(one)
