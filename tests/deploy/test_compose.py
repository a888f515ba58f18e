"""compose.yaml and what lies beside it: files are there, proxies know services, secrets work."""

import json
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.files import COMPOSE, DEPLOY, pods
from deploy.image import ROOT
from metric.tape import PROMTOOL
from support.store import StoreProcess
from support.system import ServerProcess, WorkerProcess
from support.timeouts import scaled
from support.web.front import filled
from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX

SECRETS = DEPLOY / "compose/secrets"
SCRIPT = DEPLOY / "compose/make_secrets.py"
HEALTH = "AUTH health any"
"""How a health check of the store begins."""
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def make_secrets(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(SCRIPT), str(folder)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=variables)


def test_every_file_that_a_service_gets_is_in_the_repository_or_a_secret_that_the_script_makes(tmp_path: Path) -> None:
    assert make_secrets(tmp_path / "secrets").returncode == 0
    made = {f"deploy/compose/secrets/{one.name}" for one in (tmp_path / "secrets").iterdir()}
    wanted = {one["file"] for one in COMPOSE["secrets"].values()}
    wanted |= {file for service in SERVICES.values() for file in service.get("env_file", [])}
    assert wanted <= made
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert rest.endswith(":ro"), volume
            else:
                assert source in COMPOSE["volumes"]
        assert {*service["networks"]} <= COMPOSE["networks"].keys()
        assert {*service.get("secrets", [])} <= COMPOSE["secrets"].keys()


def test_no_service_may_more_than_it_must_and_none_is_published_beyond_loopback() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_nginx_is_that_of_the_guide_with_the_servers_of_the_file() -> None:
    servers = [name for name, service in SERVICES.items() if service.get("command") == ["serve"]]
    assert len(servers) == 2
    names = {f"127.0.0.1:{8700 + index}": f"{name}:8700" for index, name in enumerate(servers)}
    logs = {"/var/log/nginx/access.log": "/dev/stdout", "/var/log/nginx/error.log": "/dev/stderr"}
    text = filled((DEPLOY / "nginx.conf").read_text(), names | logs)
    own = (DEPLOY / "compose/nginx.conf").read_text()
    assert own.partition("\n\n")[2] == text.partition("\n\n")[2]


def test_servers_believe_the_addresses_that_nginx_forwards() -> None:
    (network,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    for service in SERVICES.values():
        if service.get("command") == ["serve"]:
            assert service["environment"]["TIDINGS_FORWARDED_ALLOW_IPS"] == network["subnet"]
            assert "front" in SERVICES["nginx"]["networks"]
            assert "front" in service["networks"]


def test_prometheus_scrapes_each_process_where_it_answers() -> None:
    config = yaml.safe_load((DEPLOY / "compose/prometheus.yml").read_text())
    targets = {one for job in config["scrape_configs"] for static in job["static_configs"] for one in static["targets"]}
    assert targets == {
        f"{name}:{service['environment'].get('TIDINGS_METRICS_PORT', '8700')}"
        for name, service in SERVICES.items()
        if service["image"] == "tidings:local"
    }
    assert all(
        {*SERVICES[one.partition(":")[0]]["networks"]} & {*SERVICES["prometheus"]["networks"]} for one in targets
    )
    mounted = [volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]]
    for rules in config["rule_files"]:
        assert f"/etc/prometheus/{rules}" in mounted


@pytest.mark.skipif(not PROMTOOL, reason="promtool is missing: make setup")
def test_prometheus_reads_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text((DEPLOY / "prometheus/alerts.yml").read_text())
    (tmp_path / "prometheus.yml").write_text((DEPLOY / "compose/prometheus.yml").read_text())
    subprocess.run([PROMTOOL, "check", "config", tmp_path / "prometheus.yml"], check=True, capture_output=True)


def test_grafana_finds_the_dashboard_and_its_source() -> None:
    provider = yaml.safe_load((DEPLOY / "compose/grafana/dashboards/tidings.yml").read_text())["providers"][0]
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounted["./deploy/grafana/tidings.json"].startswith(provider["options"]["path"] + "/")
    source = yaml.safe_load((DEPLOY / "compose/grafana/datasources/prometheus.yml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert source["isDefault"]
    variables = json.loads((DEPLOY / "grafana/tidings.json").read_text())["templating"]["list"]
    assert [one["query"] for one in variables if one["type"] == "datasource"] == [source["type"]]


def test_the_script_leaves_secrets_that_are_there_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert make_secrets(folder).returncode == 0
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {one.name: one.read_text() for one in folder.iterdir()}
    again = make_secrets(folder)
    assert again.returncode == 1
    assert "stays as it is" in again.stderr
    assert {one.name: one.read_text() for one in folder.iterdir()} == before
    assert make_secrets(tmp_path / "other").returncode == 0
    others = {one.name: one.read_text() for one in (tmp_path / "other").iterdir()}
    assert not before.items() & others.items(), "no two deployments share a secret"


def test_the_stores_user_is_held_to_the_key_prefix_that_servers_and_workers_get(tmp_path: Path) -> None:
    assert make_secrets(tmp_path / "secrets", TIDINGS_KEY_PREFIX="acme").returncode == 0
    (user,) = re.findall("^user tidings .*$", (tmp_path / "secrets/users.acl").read_text(), re.MULTILINE)
    assert " resetkeys ~acme:* resetchannels &acme:* " in user
    processes = [one for one in SERVICES.values() if one["image"] == "tidings:local"]
    assert {one["environment"]["TIDINGS_KEY_PREFIX"] for one in processes} == {DEFAULT_KEY_PREFIX}
    assert (ROOT / "compose.yaml").read_text().count("TIDINGS_KEY_PREFIX: ${TIDINGS_KEY_PREFIX:-t}") == 2
    for wrong in ("", "a b", "db3", "x" * 33, "a:*"):
        refused = make_secrets(tmp_path / "none", TIDINGS_KEY_PREFIX=wrong)
        assert (refused.returncode, "TIDINGS_KEY_PREFIX is" in refused.stderr) == (2, True), wrong
        assert not (tmp_path / "none").exists()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    assert make_secrets(tmp_path / "secrets").returncode == 0
    return tmp_path / "secrets"


class GuardedStore(StoreProcess):
    """A store of which no client is the default user; another may do nothing but PING."""

    def _answers(self) -> bool:
        try:
            return self.reply(HEALTH, "PING") == "+PONG"
        except OSError:
            return False

    def reply(self, *lines: str) -> str:
        """Return what it says to the last of some lines, sent over one connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=scaled(5)) as connection:
            answer = b""
            for line in lines:
                connection.sendall(line.encode() + b"\r\n")
                answer = connection.recv(65_536)
        return answer.decode().strip()


@pytest.fixture
def store(secrets: Path) -> Iterator[GuardedStore]:
    """A store with the options of the file, which Valkey takes; only its port and folder are others."""
    command: list[str] = [*SERVICES["store"]["command"]]
    assert command[0] == "valkey-server"
    options = [one.replace("/run/secrets/store_users", str(secrets / "users.acl")) for one in command[1:]]
    store = GuardedStore(*options)
    try:
        yield store.start()
    finally:
        store.close()


def test_the_secrets_and_the_options_of_the_store_run_a_job_and_let_no_stranger_in(
    secrets: Path, store: GuardedStore
) -> None:
    url = (secrets / "store_url").read_text().strip().replace("@store:6379", f"@127.0.0.1:{store.port}")
    variable, keys = (secrets / "server.env").read_text().strip().split("=")
    key = (secrets / "api_key").read_text().strip()
    own = {name: str(value) for name, value in SERVICES["server-one"]["environment"].items()}
    del own["TIDINGS_STORE_URL_FILE"]
    server = ServerProcess(url, key, **(own | {variable: keys}))
    worker = WorkerProcess(url, str(DEPLOY / "compose/jobs.py"))
    try:
        server.wait_until_ready(kinds=2)
        authorized = {"authorization": f"Bearer {key}", "prefer": f"wait={int(scaled(10))}"}
        job = {"kind": "count_words", "input": {"text": "to be or not"}}
        answer = httpx.post(server.url + "/v1/jobs", json=job, headers=authorized, timeout=scaled(20))
        assert answer.json()["result"] == {"words": 4}
        assert httpx.post(server.url + "/v1/jobs", json=job).status_code == 401
        with urllib.request.urlopen(server.url + "/readyz") as ready:
            assert json.load(ready)["persistence"] == "aof"
    finally:
        server.close()
        worker.close()
    assert store.reply("PING").startswith("-NOAUTH")
    assert store.reply(HEALTH, "GET t:x").startswith("-NOPERM")
    password = (secrets / "operator_password").read_text().strip()
    operator = f"AUTH operator {password}"
    assert store.reply(operator, "CONFIG GET appendfsync").endswith("everysec")
    # With these rights stores before Valkey 9.1.2 replay their append-only file.
    assert store.reply(operator, "ACL DRYRUN default HSET t:x f v") == "+OK"


def test_health_checks_of_the_store_ask_as_the_user_that_may_be_asked_for() -> None:
    asked = [SERVICES["store"]["healthcheck"]["test"][1]]
    (pod,) = [template["spec"]["containers"][0] for name, template in pods().items() if name == "tidings-store"]
    asked += [pod[probe]["exec"]["command"][2] for probe in ("startupProbe", "livenessProbe")]
    assert {*asked} == {"valkey-cli --user health --pass any --no-auth-warning ping | grep -q PONG"}
    assert HEALTH == "AUTH health any"
