"""The modules of which a compiled wheel has a compiled form."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def compiled_modules() -> list[str]:
    """Return their sources, by their paths in the checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return [str(module) for module in hook["modules"]]
