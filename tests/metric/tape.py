"""What Prometheus would have scraped over some time, and what the alerts make of it: real pages, one a minute.

Real: every series that an alert looks at, with its labels and every value, as a process showed them; but of the
histograms of kinds without a job one is enough. Not real: the pace. A page stands for as many minutes as a test says;
what grows by itself meanwhile (an age) is said to grow.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.scrape import Scraped
from support.timeouts import scaled

RULES = Path(__file__).parents[2] / "deploy/prometheus/alerts.yml"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.executable).parent)) or ""

NAMES = frozenset(re.findall(r"\btidings_\w+", RULES.read_text()))
"""The metrics that alerts look at; promtool would spend most of its time on the others."""


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
        env={**os.environ, "GOMAXPROCS": "1", "GOGC": "off"},  # it has one thing to do, and ends
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Tape:
    """The series so far."""

    def __init__(self) -> None:
        self.minutes = 0
        self._series: dict[str, list[float | None]] = {}
        self._histograms: dict[str, list[str]] = {}
        """The buckets of each histogram, by their series."""
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
                if one.name not in NAMES or math.isnan(one.value):
                    continue
                name = _series_name(one.name, {**one.labels, "instance": instance})
                if name not in self._series and "le" in one.labels:
                    whole = {label: value for label, value in one.labels.items() if label != "le"}
                    of = self._histograms.setdefault(_series_name(one.name, {**whole, "instance": instance}), [])
                    of.append(name)
                series = self._series.setdefault(name, [])
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
        _, *silent = (of for of in self._histograms.values() if not any(any(self._series[name]) for name in of))
        left_out = {name for of in silent for name in of}
        test = {
            "interval": "1m",
            "input_series": [
                {"series": name, "values": " ".join(map(_value, values))}
                for name, values in self._series.items()
                if name not in left_out
            ],
            "promql_expr_test": self._checks,
        }
        path = folder / "tape.yml"
        # JSON is YAML, and is written in a hundredth of the time.
        path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
        promtool("test", "rules", str(path))


def _series_name(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{{{','.join(f'{label}={_quoted(value)}' for label, value in labels.items())}}}"


def _quoted(value: str) -> str:
    """Return a label's value in quotation marks, as PromQL has it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _value(value: float | None) -> str:
    return "_" if value is None else repr(value).replace("inf", "Inf")
