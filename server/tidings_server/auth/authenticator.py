"""The authenticator of a process: it turns credentials into identities, as the settings say."""

from pathlib import Path
from typing import Protocol

from tidings.logging.printable import printable
from tidings.protocol.grants import GRANT_PREFIX
from tidings.settings.settings import SettingsError

from .api_key import PREFIX, ApiKeyAuthenticator, parse_keys
from .auth_settings import AuthSettings
from .grants.grant_codec import GrantCodec
from .identity import ANYONE, Identity, bearer_of, unauthenticated
from .jwks import PublishedKeys
from .jwt import ConfiguredKey, JwtAuthenticator, KeySource
from .key import key_in_file, key_of
from .owner_names import OwnerNames

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

    def identify_now(self, credential: str) -> Identity | None:
        """Return the identity of a credential; None: it takes a wait, as for a key that is not known yet: `identify`.

        Raises:
            ProblemError: as `identify`.

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

    def identify_now(self, credential: str) -> Identity | None:
        """Return the identity of every client."""
        return ANYONE

    async def run(self) -> None:
        """Do nothing."""


class CombinedAuthenticator:
    """Finds the identity by whatever a client presents: an API key, a grant or a token, told apart by their form."""

    asks = True

    def __init__(self, codec: GrantCodec, *, jwt: Authenticator | None, api_key: Authenticator | None) -> None:
        """Prepare.

        Args:
            codec: reads grants.
            jwt: knows the tokens of an issuer; None: none are accepted.
            api_key: knows API keys; None: none are accepted.

        """
        self._codec = codec
        self._jwt = jwt
        self._api_key = api_key

    @property
    def ready(self) -> bool:
        """Whether it can check a credential now; grants may still wait for their key."""
        return self._jwt is None or self._jwt.ready

    async def identify(self, credential: str) -> Identity:
        """Return the identity of a credential.

        Raises:
            ProblemError: `unauthenticated`, or `auth_unavailable`.

        """
        if credential.startswith(GRANT_PREFIX):
            return self._bearer(credential)
        return await self._way(credential).identify(credential)

    def identify_now(self, credential: str) -> Identity | None:
        """Return the identity of a credential; None: it takes a wait.

        Raises:
            ProblemError: as `identify`.

        """
        if credential.startswith(GRANT_PREFIX):
            return self._bearer(credential)
        return self._way(credential).identify_now(credential)

    def _bearer(self, credential: str) -> Identity:
        grant = self._codec.read(credential)
        if grant.expired():
            raise unauthenticated("the grant has expired: come back with a fresh one")
        return bearer_of((grant,))

    def _way(self, credential: str) -> Authenticator:
        way = self._api_key if credential.startswith(PREFIX) or self._jwt is None else self._jwt
        if way is None:
            raise unauthenticated("this server accepts no such credential")
        if way is self._jwt and self._api_key is not None and credential.count(".") != 2:
            raise unauthenticated(f"the credential is neither an API key ({PREFIX}…) nor a JSON Web Token")
        return way

    async def run(self) -> None:
        """Keep the keys of the issuer fresh, until cancelled; return at once if there are none."""
        if self._jwt is not None:
            await self._jwt.run()


def authenticator_of(settings: AuthSettings, codec: GrantCodec, *, login: bool = False) -> Authenticator:
    """Return the authenticator that the settings describe.

    Args:
        settings: of the server.
        codec: reads grants.
        login: whether the application around the server has a login of its own.

    Raises:
        SettingsError: a key cannot be read, or is not a key.

    """
    ways, names = settings.ways, settings.owner_names
    if not ways and not login:
        return NoAuthenticator()
    return CombinedAuthenticator(
        codec,
        jwt=_jwt(settings, names) if "jwt" in ways else None,
        api_key=ApiKeyAuthenticator(parse_keys(settings.api_keys), names) if "api_key" in ways else None,
    )


def _jwt(settings: AuthSettings, names: OwnerNames) -> JwtAuthenticator:
    return JwtAuthenticator(
        _keys(settings),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        leeway_s=settings.jwt_leeway_s,
        require_exp=settings.jwt_require_exp,
        default_scopes=settings.jwt_default_scopes,
        names=names,
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
