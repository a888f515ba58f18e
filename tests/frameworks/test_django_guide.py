"""The guide for Django shows the code of the example, whose tests run where Django does (tests/django_project)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/how-to/django.md").read_text()
EXAMPLE = ROOT / "examples/django"


@pytest.mark.parametrize("name", ["sales/tasks.py", "sales/views.py"])
def test_a_file_of_the_guide_is_that_of_the_example(name: str) -> None:
    (shown,) = re.findall(rf"```python\n# {re.escape(name)}\n(.*?)```", GUIDE, re.DOTALL)
    _, _, code = (EXAMPLE / name).read_text().split('"""', 2)
    assert shown == code.lstrip("\n")


def test_the_settings_of_the_guide_are_those_of_the_example() -> None:
    settings = (EXAMPLE / "website/settings.py").read_text()
    for line in ('"tidings.django.ProblemMiddleware",', '"BACKEND": "tidings.django.TidingsBackend",'):
        assert line in GUIDE
        assert line in settings
