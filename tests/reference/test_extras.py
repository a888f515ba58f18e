"""The guide of production lists the extras that there are."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_extra_is_in_the_table_of_the_guide_and_no_other() -> None:
    guide = (ROOT / "docs/how-to/production.md").read_text()
    table = guide.partition("| extra | brings |")[2].partition("\n\n")[0]
    shown = re.findall("`([a-z]+)`", " ".join(re.findall(r"(?m)^\| ([^|]*) \|", table)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(shown) == sorted(project["optional-dependencies"])
