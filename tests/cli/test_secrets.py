"""Passwords and credentials stand in no error and no settings that are shown, and not for long on a command line."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.settings.settings import SettingsError, StoreSettings, from_env, store_url_of
from tidings.store.redis.store_client import redact_url
from tidings_cli.argument_secrets import split_secrets

SECRET = "hunter2"  # noqa: S105 - it opens nothing

HOLDING = [
    "redis://:hunter2@store:6379/0", "redis://me:hunter2@store", "rediss://hunter2@store:6380", "redis://hun%74er2@store",
    "redis://store:6379/0?password=hunter2", "redis://store?PASSWORD=hunter2", "redis://store/0?db=1&pass%77ord=hunter2",
    "redis://store/?username=me&password=hunter2&db=1", "redis://store?password=x@hunter2", "redis://store?hunter2",
    "rediss://store?ssl_password=hunter2", "redis://store?password=a&b=hunter2", "redis://store?password=a&hunter2",
    "unix:///run/valkey.sock?password=hunter2", "unix://:hunter2@/run/valkey.sock?db=1", "redis://store#hunter2",
    "redis://:a/hunter2@store:6379/0", "redis://:a?hunter2@store:6379/0", "redis://:a#hunter2@store:6379/0",
    "redis://:a@hunter2@store:6379/0", "redis://:hunter2@[::1]:6379", "redis://:a:hunter2@store", ":hunter2@store:6379",
    "me:hunter2@store", "store:6379?password=hunter2", "valkey://:hunter2@store", "redis:/:hunter2@store", "REDIS://:hunter2@s",
    "redis:hunter2", "hunter2//:x@store",
]  # fmt: skip


@pytest.mark.parametrize("url", HOLDING)
def test_an_address_is_shown_without_what_may_be_secret(url: str) -> None:
    try:
        told = repr(from_env(StoreSettings, {"TIDINGS_STORE_URL": url}))
    except SettingsError as error:
        told = str(error)
    assert SECRET not in told + redact_url(url)
    assert "hun%74er2" not in told + redact_url(url)
    _, environ = split_secrets(["tidings", "status", "--store-url", url])
    assert environ == {"TIDINGS_STORE_URL": url} or not {"@", "?"} & set(url)


IN_USER, IN_QUERY = "redis://me:hunter2@127.0.0.1:1", "redis://127.0.0.1:1/0?password=hunter2"


@pytest.mark.parametrize(
    ("url", "way"),
    # A command that finds the password among its flags begins anew, which takes a new interpreter.
    [
        (IN_USER, "flag"),
        (IN_QUERY, "flag="),
        *((url, way) for url in (IN_USER, IN_QUERY) for way in ("variable", "file")),
    ],
)
@pytest.mark.parametrize("command", ["status", "serve"])
def test_no_error_repeats_the_password(tmp_path: Path, url: str, way: str, command: str) -> None:
    (tmp_path / "url").write_text(url + "\n")
    arguments = {"flag": ["--store-url", url], "flag=": [f"--store-url={url}"]}.get(way, [])
    more = {"variable": {"TIDINGS_STORE_URL": url}, "file": {"TIDINGS_STORE_URL_FILE": str(tmp_path / "url")}}.get(
        way, {}
    )
    done = run_tidings(command, *arguments, **more)
    assert done.returncode == 3
    assert "no store answers at redis://***@" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_running_command_shows_no_secret_to_other_users() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a store that lets the command wait
        url = f"redis://:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/0"
        command = [sys.executable, "-m", "tidings", "status", "--store-url", url, "--json"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                silent.settimeout(scaled(20))
                silent.accept()[0].close()  # it is past its beginning
                told = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            finally:
                process.kill()
    assert b"--json" in told
    assert SECRET.encode() not in told


def test_arguments_are_split_from_their_secrets() -> None:
    url = "redis://:hunter2@store"
    for given in (["--store-url", url], [f"--store-url={url}"]):
        left, environ = split_secrets(["python", "-m", "tidings", "serve", *given, "--port", "1"])
        assert (left, environ) == (["python", "-m", "tidings", "serve", "--port", "1"], {"TIDINGS_STORE_URL": url})
    left, environ = split_secrets(["tidings", "show", "t", "--credential", "hunter2"])
    assert (left, environ) == (["tidings", "show", "t"], {"TIDINGS_CREDENTIAL": "hunter2"})
    for harmless in (
        ["tidings", "serve", "--store-url", "redis://store/1"], ["tidings", "show", "--credential=@file"],
        ["tidings", "submit", "k", "--", "--store-url", url], ["tidings", "serve", "--store-url"],
    ):  # fmt: skip
        left, environ = split_secrets(harmless)
        assert environ == {}
        assert [part for part in left if part] == harmless


def test_the_address_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text(" redis://:hunter2@store:1/0\n")
    environ = {"TIDINGS_STORE_URL_FILE": str(path)}
    assert from_env(StoreSettings, environ).store_url == "redis://:hunter2@store:1/0"
    assert store_url_of(environ) == "redis://:hunter2@store:1/0"
    assert from_env(StoreSettings, {}, {"store_url_file": str(path)}).store_url == "redis://:hunter2@store:1/0"
    assert store_url_of({}) == store_url_of({"TIDINGS_STORE_URL": ""}) == ""
    with pytest.raises(SettingsError, match="both set"):
        from_env(StoreSettings, environ | {"TIDINGS_STORE_URL": "redis://store"})
    for text in ("", "a\nb\n", "x" * 20_000):
        path.write_text(text)
        with pytest.raises(SettingsError, match="one line"):
            from_env(StoreSettings, environ)
    path.write_bytes(b"\xff")
    for place, says in ((path, "not text"), (tmp_path, "directory"), (tmp_path / "none", "No such file")):
        with pytest.raises(SettingsError, match=says):
            from_env(StoreSettings, {"TIDINGS_STORE_URL_FILE": str(place)})
