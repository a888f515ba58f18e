"""Each page names the modules that it loads, so that a browser asks for all of them at once."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("preload", ROOT / "docs/preload.py")
assert _spec is not None
assert _spec.loader is not None
preload = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(preload)


@pytest.mark.parametrize("page", preload.PAGES)
def test_a_page_names_its_modules(page: str) -> None:
    text = (ROOT / "static" / page).read_text()
    assert text == preload.with_preloads(page), "`python docs/preload.py` writes them"
    assert text.count('rel="modulepreload"') > 20


def test_all_modules_are_found_through_others() -> None:
    found = preload.modules_of("console/main.js")
    assert {"console/pages/job.js", "client/path.js", "page/words.js", "tidings.js"} <= set(found)
    assert all((ROOT / "static" / one).is_file() for one in found)
