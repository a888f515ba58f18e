"""The authenticator of a process: turns credentials into identities, in the way that the settings say."""

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
    """What knows clients by their credentials."""

    asks: bool
    """Whether anybody is asked who they are."""

    @property
    def ready(self) -> bool:
        """Whether a credential could be checked now."""

    async def identify(self, credential: str) -> Identity:
        """Return whose credential it is.

        Raises:
            ProblemError: `unauthenticated`, or `auth_unavailable`: nobody can tell at the moment.

        """

    async def run(self) -> None:
        """Do what it has to do besides, until cancelled; or return, if that is nothing."""


class NoAuthenticator:
    """Asks nobody: whatever is presented, it is anyone."""

    asks = False
    ready = True

    async def identify(self, credential: str) -> Identity:
        """Return anyone."""
        return ANYONE

    async def run(self) -> None:
        """Do nothing."""


def authenticator_of(settings: AuthSettings) -> Authenticator:
    """Return the authenticator that the settings describe.

    Raises:
        SettingsError: a key cannot be read, or is none.

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
    """Return what a file holds, of which a key is no more than a small part.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large for a key.

    """
    with Path(path).open("rb") as file:
        data = file.read(MAX_KEY_FILE_BYTES + 1)
    if len(data) > MAX_KEY_FILE_BYTES:
        raise ValueError(f"more than {MAX_KEY_FILE_BYTES} bytes, which no key has")
    return data
