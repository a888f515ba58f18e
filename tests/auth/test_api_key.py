"""API keys: made by a command, kept as digests, and good for what the settings say."""

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from support.credential import bearer
from support.system import ServerProcess, running_system
from support.tidings_command import run_tidings
from support.timeouts import scaled
from tidings.protocol.problems import ProblemError
from tidings_server.auth.api_key import ApiKeyAuthenticator, new_key, parse_keys, setting_line


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_tidings("key", *arguments)


def make(*arguments: str) -> tuple[str, str]:
    """Return the key that the command makes, and the line for the settings."""
    made = run(*arguments)
    assert made.returncode == 0, made.stderr
    (_, key), (_, line) = (text.split() for text in made.stdout.splitlines())
    return key, line


@pytest.fixture(scope="module")
def keys() -> dict[str, tuple[str, str]]:
    return {
        "orders": make("orders"),
        "watcher": make("watcher", "--scope", "watch"),
        "ops": make("ops", "--scope", "admin"),
    }


@pytest.fixture(scope="module")
def server(keys: dict[str, tuple[str, str]]) -> Iterator[ServerProcess]:
    lines = ",".join(line for _, line in keys.values())
    with running_system(servers=0) as system:
        yield system.add_server(
            keys["ops"][0], TIDINGS_AUTH="api_key", TIDINGS_API_KEYS=lines, TIDINGS_LOG_LEVEL="debug"
        )


async def test_a_key_from_the_command_works_with_its_line_in_the_settings(
    server: ServerProcess, keys: dict[str, tuple[str, str]]
) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as http:
        body = {"kind": "noop", "input": {}}
        answer = await http.post("/v1/jobs", json=body, headers=bearer(keys["orders"][0]) | {"prefer": "wait=10"})
        assert answer.json()["status"] == "succeeded"
        place = f"/v1/jobs/{answer.json()['token']}"
        for name, status in (("orders", 200), ("watcher", 404), ("ops", 200)):
            assert (await http.get(place, headers=bearer(keys[name][0]))).status_code == status
        refused = await http.post("/v1/jobs", json=body, headers=bearer(keys["watcher"][0]))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_what_is_not_the_key_is_refused_and_no_log_holds_any(
    server: ServerProcess, keys: dict[str, tuple[str, str]]
) -> None:
    key, line = keys["orders"]
    digest = line.split(":")[1]
    async with httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as http:
        for wrong in (digest, line, key[:-1], key + "x", key.swapcase(), new_key(), "tdk_"):
            answer = await http.get("/v1/kinds", headers=bearer(wrong))
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert wrong not in answer.text
        assert (await http.get("/v1/kinds", headers=bearer(key))).status_code == 200
    for secret in (key, digest):
        assert secret not in server.text()


async def test_each_key_is_its_own_identity() -> None:
    keys = {name: new_key() for name in ("a", "b", "c")}
    by = ApiKeyAuthenticator(parse_keys([setting_line(name, key) for name, key in keys.items()]))
    for name, key in keys.items():
        identity = await by.identify(key)
        assert (identity.owner, identity.admin, identity.expires_at) == (name, False, None)
        assert identity.scopes == {"submit", "watch", "cancel"}
    for wrong in ("", "\ud800", keys["a"][:-1]):
        with pytest.raises(ProblemError):
            await by.identify(wrong)


async def test_a_name_may_have_two_keys_while_one_takes_the_place_of_the_other() -> None:
    old, new = new_key(), new_key()
    by = ApiKeyAuthenticator(parse_keys([setting_line("a", old), setting_line("a", new, ["watch"])]))
    assert (await by.identify(old)).owner == (await by.identify(new)).owner == "a"
    assert (await by.identify(new)).scopes == {"watch"}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["a"], "entry 1"),
        (["a:" + "0" * 64, "b:secret"], "entry 2"),
        (["a:" + "0" * 64 + ":submit+fly"], "the scopes are"),
        (["a:" + "0" * 64 + ":"], "entry 1"),
        (["a b:" + "0" * 64], "entry 1"),
    ],
)
def test_a_setting_that_is_no_key_is_refused_without_being_repeated(texts: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says) as wrong:
        parse_keys(texts)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("arguments", [["a b"], [""], ["a", "--scope", "fly"]])
def test_the_command_refuses_what_the_settings_would(arguments: list[str]) -> None:
    made = run(*arguments)
    assert made.returncode != 0
    assert made.stdout == ""


def test_every_key_is_another() -> None:
    assert len({new_key() for _ in range(1000)}) == 1000
