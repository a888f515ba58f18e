"""What is deployed beside Tidings: alerts that fire when they should, and a dashboard; both ask for what there is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from metric.tape import PROMTOOL, RULES, promtool
from support.peer import peer
from support.scrape import scrape, text, until
from support.system import System, running_system
from tidings.process.port import free_port
from tidings.webhook import new_secret

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAME = re.compile(r"\b(?:tidings|process)_[a-z_]+\b")
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is missing: make setup")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def system(port: int) -> Iterator[System]:
    webhooks = {"TIDINGS_WEBHOOKS": "true", "TIDINGS_WEBHOOK_SECRETS": new_secret()}
    with running_system(1, 1, TIDINGS_METRICS_PORT=str(port), **webhooks) as system:
        yield system


@pytest.fixture
async def pages(system: System, port: int) -> tuple[str, str]:
    """The pages of a server and of a worker that have done something."""
    server, worker = system.server.url + "/metrics", f"http://127.0.0.1:{port}/metrics"
    async with peer(system.server.socket_url) as client:
        await client.run("noop")
        await client.run("flaky", {"succeed_at": 2})
    until(worker, lambda now: now.sum("tidings_jobs_total", kind="flaky") >= 1)
    until(server, lambda now: now.sum("tidings_ack_seconds_count", kind="flaky") >= 1)
    return server, worker


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> dict[str, str]:
    """Return what the dashboard and the alerts ask, by who asks."""
    board = json.loads((DEPLOY / "grafana/tidings.json").read_text())
    found = {rule["alert"]: rule["expr"] for rule in alerts()}
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    for variable in board["templating"]["list"]:
        found[variable["name"]] = variable.get("definition", "")
    return found


@needs_promtool
def test_the_alerts_are_well_formed_and_fire_when_they_should() -> None:
    promtool("check", "rules", RULES.name)
    promtool("test", "rules", "alerts_test.yml")


@needs_promtool
def test_the_pages_are_as_prometheus_wants_them(pages: tuple[str, str]) -> None:
    for page in pages:
        assert promtool("check", "metrics", given=text(page)[1]) == ""


@needs_promtool
def test_every_query_can_be_parsed(tmp_path: Path) -> None:
    asked = {who: query.replace("$__rate_interval", "5m") for who, query in queries().items() if "label_" not in query}
    rules = [{"record": f"q{n}", "expr": query} for n, query in enumerate(asked.values()) if query]
    assert len(rules) > 30
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_no_query_names_a_metric_or_label_that_is_not_there(pages: tuple[str, str]) -> None:
    samples = [one for page in pages for one in scrape(page).samples]
    # Those have no sample while nothing has happened.
    there = {one.name for one in samples} | {"tidings_breaker_state"}
    there |= {name for page in pages for name in re.findall(r"# TYPE (\S+)", text(page)[1])}
    labels = {label for one in samples for label in one.labels} | {"instance", "job", "breaker", "group", "severity"}
    for who, query in queries().items():
        for name in NAME.findall(query):
            assert name in there or SUFFIX.sub("", name) in there, (who, name)
        grouped = re.findall(r"(?:by|on) \(([^)]*)\)", query) + re.findall(r"(\w+)=[~\"]", query)
        for label in re.split(r", *", ",".join(grouped)) if grouped else ():
            assert label in labels, (who, label)


def test_every_metric_is_described(pages: tuple[str, str]) -> None:
    described = (ROOT / "docs/how-to/metrics.md").read_text()
    for page in pages:
        for name, family in scrape(page).families.items():
            if name.startswith("tidings_"):
                assert f"`{name}{'_total' if family.type == 'counter' else ''}`" in described, name


def test_every_alert_has_its_place_in_the_runbook_and_its_test() -> None:
    runbook = (ROOT / "docs/how-to/runbook.md").read_text()
    titles = {line.removeprefix("## ").lower().replace(" ", "-") for line in runbook.splitlines() if line[:3] == "## "}
    tests = (RULES.parent / "alerts_test.yml").read_text()
    told = {rule["annotations"]["runbook_url"] for rule in alerts()}
    assert told == {f"docs/how-to/runbook.md#{title}" for title in titles}
    for rule in alerts():
        assert f"alertname: {rule['alert']}" in tests
