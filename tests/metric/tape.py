"""What Prometheus would have scraped over some time, and what the alerts make of it: real pages, one a minute.

Real: every series with its labels, and every value, as a process showed them. Not real: the pace. A page stands for as
many minutes as a test says; what grows by itself meanwhile (an age) is said to grow.
"""

import math
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from support.scrape import Scraped
from support.timeouts import scaled

RULES = Path(__file__).parents[2] / "deploy/prometheus/alerts.yml"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.executable).parent)) or ""


def promtool(*arguments: str, given: str = "") -> str:
    """Run it, which must succeed; return what it says."""
    done = subprocess.run(
        [PROMTOOL, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=scaled(60),
        cwd=RULES.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Tape:
    """The series so far."""

    def __init__(self) -> None:
        self.minutes = 0
        self._series: dict[str, list[float | None]] = {}
        self._checks: list[dict[str, Any]] = []

    def play(self, minutes: int, pages: Mapping[str, Scraped], growing: Mapping[str, float] = {}) -> None:
        """Have pages scraped for some minutes.

        Args:
            minutes: how many.
            pages: instance → what it shows.
            growing: metric → by how much its samples grow each minute, where they are not 0.

        """
        for instance, page in pages.items():
            for one in page.samples:
                if not one.name.startswith("tidings_") or math.isnan(one.value):
                    continue
                labels = ",".join(
                    f"{name}={_quoted(value)}" for name, value in {**one.labels, "instance": instance}.items()
                )
                series = self._series.setdefault(f"{one.name}{{{labels}}}", [])
                series += [None] * (self.minutes - len(series))
                step = growing.get(one.name, 0.0) if one.value else 0.0
                series += [one.value + step * minute for minute in range(minutes)]
        self.minutes += minutes

    def firing(self, *alerts: str, at: int | None = None) -> None:
        """Expect that these alerts fire, and no others; at: the minute; None: the last that was played."""
        samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
        self._checks.append(
            {
                "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{self.minutes - 1 if at is None else at}m",
                "exp_samples": samples,
            }
        )

    def check(self, folder: Path) -> None:
        """See that what was expected is so."""
        test = {
            "interval": "1m",
            "input_series": [
                {"series": name, "values": " ".join(map(_value, values))} for name, values in self._series.items()
            ],
            "promql_expr_test": self._checks,
        }
        path = folder / "tape.yml"
        path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
        promtool("test", "rules", str(path))


def _quoted(value: str) -> str:
    """Return a label's value in quotation marks, as PromQL has it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _value(value: float | None) -> str:
    return "_" if value is None else repr(value).replace("inf", "Inf")
