"""The settings of authentication."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from tidings.protocol.grants import LONGEST_GRANT_TTL_S
from tidings.settings.settings import Seconds, StoreSettings

from .api_key import parse_keys
from .grants.grant_keys import check_grant_keys
from .identity import SCOPES
from .owner_names import OwnerNames

WAYS = frozenset({"jwt", "api_key"})

_Leeway = Annotated[float, Meta(ge=0, le=300, extra={"unit": "s"})]
_SECRET = Meta(extra={"secret": True})


class AuthSettings(StoreSettings, frozen=True, kw_only=True):
    """The settings by which the push server authenticates clients; `check_auth` checks them together with `host`."""

    auth: Annotated[
        str,
        Meta(
            description="How clients say who they are: `jwt` (JSON Web Tokens), `api_key` (for back ends), both "
            "(`jwt,api_key`), or `none`, which asks no client and is for development."
        ),
    ] = "none"
    allow_public_without_auth: Annotated[
        bool,
        Meta(description="Say this as well to listen on more than loopback with `auth` being `none`."),
    ] = False
    jwt_key: Annotated[
        str,
        Meta(
            description="The key that signs the tokens: a public key or certificate (RSA: RS256, P-256: ES256, "
            "Ed25519: EdDSA), as PEM, base64, JWK or SSH has it, or a shared secret of 32 bytes or more (HS256). A "
            "secret: it has no flag."
        ),
        _SECRET,
    ] = ""
    jwt_key_file: Annotated[str, Meta(description="A file that holds that key instead.")] = ""
    jwt_jwks_url: Annotated[
        str,
        Meta(
            description="Where the issuer publishes its keys (JWKS) instead: `https://`, or `http://` to loopback. "
            "Wants `jwt_issuer` and `jwt_audience`."
        ),
    ] = ""
    jwt_issuer: Annotated[str, Meta(description="What `iss` must be; empty: it is not looked at.")] = ""
    jwt_audience: Annotated[
        str, Meta(description="What `aud` must be or hold; empty: a token that names an audience is refused.")
    ] = ""
    jwt_leeway_s: Annotated[
        _Leeway, Meta(description="How far the issuer's clock and ours may differ, for `exp`, `nbf` and `iat`.")
    ] = 10.0
    jwt_require_exp: Annotated[bool, Meta(description="Refuse tokens that never expire.")] = True
    jwt_default_scopes: Annotated[
        tuple[str, ...],
        Meta(
            description="Scopes of a token without a claim `scope`: `submit`, `watch`, `cancel`, `delegate`, `feed`, "
            "`admin`."
        ),
    ] = ()
    api_keys: Annotated[
        tuple[str, ...],
        Meta(
            description="The API keys: `NAME:SHA256` or `NAME:SHA256:SCOPE+SCOPE` each, as `tidings key` prints them. "
            "Without scopes a key may submit, watch and cancel."
        ),
        _SECRET,
    ] = ()
    expiry_notice_s: Annotated[
        Seconds,
        Meta(
            description="How long before a credential expires the server warns its socket; a fifth of the credential's "
            "lifetime, if that is less."
        ),
    ] = 60.0
    ticket_ttl_s: Annotated[Seconds, Meta(description="How long a ticket may be redeemed.")] = 30.0
    grant_keys: Annotated[
        tuple[str, ...],
        Meta(
            description="The keys that sign grants, of 32 characters or more: the first signs, each is accepted, so "
            "that a new key can replace an old one. None: the servers of a store make one and keep it there."
        ),
        _SECRET,
    ] = ()
    max_grant_ttl_s: Annotated[
        Annotated[float, Meta(ge=1, le=LONGEST_GRANT_TTL_S, extra={"unit": "s"})],
        Meta(description="The longest that a grant may be valid."),
    ] = 86_400.0

    def check_auth(self, host: str) -> None:
        """Check how the settings fit together.

        Raises:
            ValueError: a setting is missing or contradicts another; what to set is in the text.

        """
        check_grant_keys(self.grant_keys)
        if not self.ways:
            self._check_none(host)
        if "jwt" in self.ways:
            self._check_jwt()
        if "api_key" in self.ways:
            if not self.api_keys:
                raise ValueError("`auth` has api_key: set TIDINGS_API_KEYS to what `tidings key NAME` prints")
            parse_keys(self.api_keys)

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways to come, in the order of the setting `auth`; empty: no client is asked.

        Raises:
            ValueError: the setting is wrong.

        """
        ways = tuple(word.strip() for word in self.auth.split(","))
        if ways == ("none",):
            return ()
        if not WAYS.issuperset(ways) or len(set(ways)) < len(ways):
            raise ValueError(f"TIDINGS_AUTH is {self.auth!r}; allowed: `none`, or `jwt` and `api_key`, one or both")
        return ways

    @property
    def owner_names(self) -> OwnerNames:
        """How the owners of these ways are named."""
        return OwnerNames.of(self.ways)

    def _check_none(self, host: str) -> None:
        if not (self.allow_public_without_auth or is_loopback(host)):
            raise ValueError(
                f"`auth` is none, and host {host!r} is more than loopback: anyone who reaches it could run "
                "jobs. Set TIDINGS_AUTH, or TIDINGS_ALLOW_PUBLIC_WITHOUT_AUTH=true if that is meant"
            )

    def _check_jwt(self) -> None:
        if sum(map(bool, (self.jwt_key, self.jwt_key_file, self.jwt_jwks_url))) != 1:
            raise ValueError(
                "`auth` has jwt: set one of TIDINGS_JWT_JWKS_URL, TIDINGS_JWT_KEY_FILE and TIDINGS_JWT_KEY, and no more"
            )
        unknown = set(self.jwt_default_scopes) - SCOPES
        if unknown:
            raise ValueError(
                f"TIDINGS_JWT_DEFAULT_SCOPES has {sorted(unknown)}; there are: {', '.join(sorted(SCOPES))}"
            )
        if self.jwt_jwks_url:
            self._check_jwks()

    def _check_jwks(self) -> None:
        try:
            place = urlsplit(self.jwt_jwks_url)
            host = place.hostname or ""
        except ValueError:
            raise ValueError("TIDINGS_JWT_JWKS_URL is not an address") from None
        if not host or not (place.scheme == "https" or (place.scheme == "http" and is_loopback(host))):
            raise ValueError(
                "TIDINGS_JWT_JWKS_URL must be https:// (http:// to loopback alone): an attacker on the way could "
                "replace the keys"
            )
        if not (self.jwt_issuer and self.jwt_audience):
            raise ValueError(
                "TIDINGS_JWT_JWKS_URL wants TIDINGS_JWT_ISSUER and TIDINGS_JWT_AUDIENCE: an issuer's keys sign the "
                "tokens of its other services too"
            )


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
