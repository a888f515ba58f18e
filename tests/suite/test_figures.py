"""The figures of the code's shape, of a small checkout and of this one."""

from pathlib import Path

import pytest

from suite.figures import arrows, figures, main
from suite.source import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    package = tmp_path / "core" / "shop"
    (package / "till").mkdir(parents=True)
    texts = {
        "__init__.py": "from .stock import Stock\n",
        "stock.py": '"""Nobody is told."""\n\n\nclass Stock:\n    def take(self) -> int:\n        return 1\n',
        "till/__init__.py": "",
        "till/cards.py": "from shop import stock\nfrom shop.stock import Stock\n\n\nclass Stock:\n    size = 1\n",
        "till/cash.py": "import os\n\nfrom . import cards\nfrom ..stock import Stock\n",
    }
    for name, text in texts.items():
        (package / name).write_text(text)
    return tmp_path


def test_an_arrow_is_a_pair_of_files_of_which_one_imports_the_other(checkout: Path) -> None:
    assert arrows(checkout / "core" / "shop") == 4  # the package, cards and cash: stock; cash: cards


def test_the_figures_of_a_checkout_are_counted(checkout: Path) -> None:
    found = figures(checkout)
    assert (found["Python files"], found["lines of the largest file"]) == ("5", "6")
    assert (found["functions"], found["lines of a function, median"]) == ("1", "2")
    assert (found["class names that occur twice"], found["nobody, whoever, is told"]) == ("1", "2")
    assert found["files in the largest folder"] == "2"
    assert found["arrows between files of shop"] == "4 (0.8 a file)"


def test_this_checkout_has_figures_for_each_package(capsys: pytest.CaptureFixture[str]) -> None:
    main([ROOT])
    told = capsys.readouterr().out
    assert all(f"arrows between files of {name} |" in told for name in ("tidings", "tidings_server", "tidings_worker"))
    assert "| class names that occur twice | 0 |" in told
