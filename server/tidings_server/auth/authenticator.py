"""The authenticator of a process: it turns credentials into identities, as the settings say."""

from pathlib import Path
from typing import Protocol

from tidings.logging.printable import printable
from tidings.settings import SettingsError

from .api_key import ApiKeyAuthenticator, parse_keys
from .auth_settings import AuthSettings
from .identity import ANYONE, Identity
from .jwks import PublishedKeys
from .jwt import ConfiguredKey, JwtAuthenticator, KeySource
from .key import key_in_file, key_of

MAX_KEY_FILE_BYTES = 262_144


class Authenticator(Protocol):
    """Finds the identity of a client by its credential."""

    asks: bool
    """Whether the server asks clients for a credential."""

    @property
    def ready(self) -> bool:
        """Whether it can check a credential now."""

    async def identify(self, credential: str) -> Identity:
        """Return the identity of a credential.

        Raises:
            ProblemError: `unauthenticated`, or `auth_unavailable`: no key is there to check it by.

        """

    async def run(self) -> None:
        """Do the background work, until cancelled; return at once if there is none."""


class NoAuthenticator:
    """Accepts every client, with and without a credential."""

    asks = False
    ready = True

    async def identify(self, credential: str) -> Identity:
        """Return the identity of every client."""
        return ANYONE

    async def run(self) -> None:
        """Do nothing."""


def authenticator_of(settings: AuthSettings) -> Authenticator:
    """Return the authenticator that the settings describe.

    Raises:
        SettingsError: a key cannot be read, or is not a key.

    """
    match settings.auth:
        case "none":
            return NoAuthenticator()
        case "api_key":
            return ApiKeyAuthenticator(parse_keys(settings.api_keys))
        case "jwt":
            return JwtAuthenticator(
                _keys(settings),
                issuer=settings.jwt_issuer,
                audience=settings.jwt_audience,
                leeway_s=settings.jwt_leeway_s,
                require_exp=settings.jwt_require_exp,
                default_scopes=settings.jwt_default_scopes,
            )


def _keys(settings: AuthSettings) -> KeySource:
    if settings.jwt_jwks_url:
        return PublishedKeys(settings.jwt_jwks_url)
    name = "TIDINGS_JWT_KEY"
    try:
        if not settings.jwt_key_file:
            return ConfiguredKey(key_of(settings.jwt_key), name)
        name = "TIDINGS_JWT_KEY_FILE"
        return ConfiguredKey(key_in_file(_read(settings.jwt_key_file)), name)
    except OSError as error:
        raise SettingsError(f"{name} ({printable(settings.jwt_key_file)}) cannot be read: {error.strerror}") from error
    except ValueError as error:
        shown = f"{name} ({printable(settings.jwt_key_file)})" if settings.jwt_key_file else name
        raise SettingsError(f"{shown} holds {error}") from error


def _read(path: str) -> bytes:
    """Return the content of a file that should hold a key.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large for a key.

    """
    with Path(path).open("rb") as file:
        data = file.read(MAX_KEY_FILE_BYTES + 1)
    if len(data) > MAX_KEY_FILE_BYTES:
        raise ValueError(f"more than {MAX_KEY_FILE_BYTES} bytes, which no key has")
    return data
