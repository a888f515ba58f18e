"""The authenticator of a process: turns credentials into identities, in the way that the settings say."""

from pathlib import Path
from typing import Protocol

from tidings.settings import SettingsError

from .api_key import ApiKeyAuthenticator, parse_keys
from .identity import ANYONE, Identity
from .jwks import PublishedKeys
from .jwt import JwtAuthenticator, Keys, OneKey
from .key import key_of
from .settings import AuthSettings


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


def _keys(settings: AuthSettings) -> Keys:
    if settings.jwt_jwks_url:
        return PublishedKeys(settings.jwt_jwks_url)
    name, text = "TIDINGS_JWT_KEY", settings.jwt_key
    if settings.jwt_key_file:
        name = f"TIDINGS_JWT_KEY_FILE ({settings.jwt_key_file})"
        try:
            text = Path(settings.jwt_key_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from error
    try:
        return OneKey(key_of(text))
    except ValueError as error:
        raise SettingsError(f"{name} holds {error}") from error
