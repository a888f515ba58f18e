"""Settings of authentication: what is missing is said at the start, and what is secret is never said."""

from pathlib import Path

import pytest

from support.credential import JWT_SERVER, P256, SECRET, pem
from support.store import StoreProcess
from support.tidings_command import run_tidings
from tidings.protocol.problems import ProblemError
from tidings.settings.settings import SettingsError, from_env, settings_of
from tidings_server.auth.api_key import new_key, setting_line
from tidings_server.auth.authenticator import authenticator_of
from tidings_server.auth.grants.grant_codec import GrantCodec
from tidings_server.settings import ServerSettings

JWKS = {
    "TIDINGS_AUTH": "jwt",
    "TIDINGS_JWT_ISSUER": "https://issuer.example",
    "TIDINGS_JWT_AUDIENCE": "tidings",
}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TIDINGS_AUTH": "basic"}, ["TIDINGS_AUTH", "`jwt`"]),
        ({"TIDINGS_AUTH": "jwt"}, ["TIDINGS_JWT_JWKS_URL", "TIDINGS_JWT_KEY_FILE"]),
        (JWT_SERVER | {"TIDINGS_JWT_KEY_FILE": "key.pem"}, ["one of", "TIDINGS_JWT_KEY"]),
        (JWKS | {"TIDINGS_JWT_JWKS_URL": "http://issuer.example/keys"}, ["https://"]),
        (JWKS | {"TIDINGS_JWT_JWKS_URL": "file:///etc/passwd"}, ["https://"]),
        (JWKS | {"TIDINGS_JWT_JWKS_URL": "https://"}, ["https://"]),
        (JWKS | {"TIDINGS_JWT_JWKS_URL": "https://[x/"}, ["TIDINGS_JWT_JWKS_URL"]),
        ({"TIDINGS_AUTH": "jwt", "TIDINGS_JWT_JWKS_URL": "https://a.example/k"}, ["TIDINGS_JWT_AUDIENCE"]),
        (JWT_SERVER | {"TIDINGS_JWT_DEFAULT_SCOPES": "submit,fly"}, ["TIDINGS_JWT_DEFAULT_SCOPES", "fly"]),
        (JWT_SERVER | {"TIDINGS_JWT_LEEWAY_S": "-1"}, ["TIDINGS_JWT_LEEWAY_S", ">= 0"]),
        ({"TIDINGS_AUTH": "api_key"}, ["TIDINGS_API_KEYS", "tidings key"]),
        ({"TIDINGS_AUTH": "api_key", "TIDINGS_API_KEYS": "orders:tdk_x"}, ["entry 1 of TIDINGS_API_KEYS"]),
    ],
)
def test_what_is_missing_or_wrong_is_one_line_that_says_what_to_set(environ: dict[str, str], says: list[str]) -> None:
    with pytest.raises(SettingsError) as wrong:
        from_env(ServerSettings, environ)
    text = str(wrong.value)
    assert "\n" not in text
    assert all(part in text for part in says), text
    assert SECRET not in text
    assert "tdk_x" not in text


def test_a_key_comes_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(pem(P256))
    by_file = {key: value for key, value in JWT_SERVER.items() if key != "TIDINGS_JWT_KEY"}
    for environ in (JWT_SERVER, by_file | {"TIDINGS_JWT_KEY_FILE": str(path)}):
        assert authenticator_of(from_env(ServerSettings, environ), GrantCodec()).ready
    path.write_bytes(b"\xff\xfe")
    for place, says in ((path, "not text"), (tmp_path / "none", "No such file"), (tmp_path, "directory")):
        settings = from_env(ServerSettings, by_file | {"TIDINGS_JWT_KEY_FILE": str(place)})
        with pytest.raises(SettingsError, match=says):
            authenticator_of(settings, GrantCodec())


async def test_what_is_no_credential_of_either_way_is_refused_with_both_in_the_line() -> None:
    both = JWT_SERVER | {"TIDINGS_AUTH": "api_key,jwt", "TIDINGS_API_KEYS": setting_line("orders", new_key())}
    for environ, says in ((both, "neither an API key .* nor a JSON Web Token"), (JWT_SERVER, "not a JSON Web Token")):
        authenticator = authenticator_of(from_env(ServerSettings, environ), GrantCodec())
        with pytest.raises(ProblemError, match=says):
            await authenticator.identify("@etc/key")


def test_a_key_that_is_none_is_refused_at_the_start_without_being_repeated(store_process: StoreProcess) -> None:
    changed = {"TIDINGS_JWT_KEY": "not long enough", "TIDINGS_STORE_URL": store_process.url}
    ended = run_tidings("serve", **JWT_SERVER | changed)
    assert ended.returncode == 2
    assert ended.stderr.startswith("tidings: TIDINGS_JWT_KEY holds a shared secret of 15 bytes")
    assert len(ended.stderr.splitlines()) == 1
    assert "not long enough" not in ended.stderr


def test_any_address_will_do_where_a_credential_is_asked_for() -> None:
    assert from_env(ServerSettings, JWT_SERVER | {"TIDINGS_HOST": "0.0.0.0"}).host == "0.0.0.0"  # noqa: S104


def test_secrets_stand_in_no_repr_and_have_no_flag() -> None:
    settings = from_env(
        ServerSettings,
        JWT_SERVER
        | {
            "TIDINGS_API_KEYS": "a:" + "0" * 64,
            "TIDINGS_GRANT_KEYS": "g" * 40,
            "TIDINGS_STORE_URL": "redis://me:hush@store:1/0",
        },
    )
    text = f"{settings} {settings!r}"
    for secret in (SECRET, "0" * 64, "g" * 40, "hush"):
        assert secret not in text
    assert "jwt_key=***" in text
    assert {one.name for one in settings_of(ServerSettings) if one.secret} == {"jwt_key", "api_keys", "grant_keys"}
    assert all(one.secret == (one.flag == "") for one in settings_of(ServerSettings))
