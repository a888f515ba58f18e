"""Settings: from the environment, checked, and the same in the documentation."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.settings.settings import SettingsError, from_env, settings_of
from tidings_server.settings import ServerSettings
from tidings_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]


def test_without_anything_the_defaults_hold() -> None:
    settings = from_env(ServerSettings, {})
    assert (settings.host, settings.port, settings.store_url) == ("127.0.0.1", 8700, "embedded:.tidings")


def test_flags_win_over_the_environment_and_unsaid_flags_do_not() -> None:
    environ = {"TIDINGS_PORT": "1", "TIDINGS_DRAIN_S": "2.5", "OTHER": "x"}
    settings = from_env(ServerSettings, environ, {"port": 3, "drain_s": None})
    assert (settings.port, settings.drain_s) == (3, 2.5)


def test_lists_are_separated_by_commas() -> None:
    settings = from_env(ServerSettings, {"TIDINGS_ALLOWED_ORIGINS": "https://a.example, https://b.example,"})
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TIDINGS_PORT": "x"}, ["TIDINGS_PORT", "'x'", "whole number"]),
        ({"TIDINGS_PORT": "70000"}, ["TIDINGS_PORT", "'70000'", "65535"]),
        ({"TIDINGS_DRAIN_S": "-1"}, ["TIDINGS_DRAIN_S", "'-1'", ">= 0"]),
        ({"TIDINGS_LOG_FORMAT": "xml"}, ["TIDINGS_LOG_FORMAT", "'xml'", "`console` or `json`"]),
        ({"TIDINGS_HOST": "0.0.0.0"}, ["0.0.0.0", "TIDINGS_ALLOW_PUBLIC_WITHOUT_AUTH"]),  # noqa: S104
        ({"TIDINGS_HOST": "example.com"}, ["example.com", "loopback"]),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it_and_what_is_allowed(environ: dict[str, str], says: list[str]) -> None:
    with pytest.raises(SettingsError) as wrong:
        from_env(ServerSettings, environ)
    text = str(wrong.value)
    assert "\n" not in text
    assert all(part in text for part in says), text


def test_a_public_address_without_auth_must_be_said_twice() -> None:
    environ = {"TIDINGS_HOST": "0.0.0.0", "TIDINGS_ALLOW_PUBLIC_WITHOUT_AUTH": "true"}  # noqa: S104
    assert from_env(ServerSettings, environ).host == "0.0.0.0"  # noqa: S104


def test_a_heartbeat_must_fit_into_the_lease_three_times() -> None:
    assert from_env(WorkerSettings, {"TIDINGS_LEASE_S": "6"}).lease_s == 6
    with pytest.raises(SettingsError, match="third"):
        from_env(WorkerSettings, {"TIDINGS_LEASE_S": "5"})


@given(st.dictionaries(st.sampled_from([s.variable for s in settings_of(ServerSettings)]), st.text(max_size=20)))
def test_whatever_the_environment_says_it_is_taken_or_refused_in_one_line(environ: dict[str, str]) -> None:
    try:
        from_env(ServerSettings, environ)
    except SettingsError as error:
        text = str(error)
    else:
        return
    assert len(text.splitlines()) == 1


def test_every_setting_says_what_it_means() -> None:
    for kind in (ServerSettings, WorkerSettings):
        for setting in settings_of(kind):
            assert setting.meaning, setting.name
            if setting.name.endswith(("_s", "_bytes")):
                assert setting.unit, setting.name


def test_the_reference_page_is_current() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--print", "settings"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "docs/reference/settings.md").read_text() == made
