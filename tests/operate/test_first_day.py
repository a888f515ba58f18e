"""The first day: each alert of the drill is one of ours, and the page leads to its place in the runbook."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/first-day.md").read_text()


def alerts() -> dict[str, str]:
    """Return the alerts, each with its place in the runbook."""
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]}


def test_each_alert_of_the_drill_leads_to_its_place_in_the_runbook() -> None:
    drill = re.findall(r"^\| `(Tidings\w+)` \|.*\]\(runbook\.md#([\w-]+)\) \|$", PAGE, re.MULTILINE)
    assert len(drill) >= 4
    for alert, anchor in drill:
        assert alerts()[alert] == f"docs/how-to/runbook.md#{anchor}"


def test_each_page_and_file_that_it_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs/how-to" / target).exists(), target
